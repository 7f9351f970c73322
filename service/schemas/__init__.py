"""Untrusted JSON to the domain's events, by marshmallow: the same for the API, the pages, files."""

from service.schemas.batches import BatchInput, check_sizes, read_batch
from service.schemas.events import EventSchema, read_events

__all__ = ["BatchInput", "EventSchema", "check_sizes", "read_batch", "read_events"]
