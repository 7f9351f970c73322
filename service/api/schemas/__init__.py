"""Untrusted JSON to the domain's events, by marshmallow."""

from service.api.schemas.batches import BatchInput, read_batch
from service.api.schemas.events import EventSchema, read_events

__all__ = ["BatchInput", "EventSchema", "read_batch", "read_events"]
