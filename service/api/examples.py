"""Requests that can be sent as they stand: the examples of the OpenAPI document."""

from typing import Any, Final

Doc = dict[str, Any]

_EVENT: Final[Doc] = {
    "type": "policy.adopted",
    "stream": "policy:openai-unsupported-regions-2024",
    "authority": "openai",
    "occurred_on": "2024-06-24",
    "title": "OpenAI will block API traffic from unsupported regions from 9 July 2024",
    "summary": "OpenAI wrote to organisations whose API traffic came from a region off its list.",
    "instrument": "provider_policy",
    "confidence": "high",
    "data": {
        "directives": [
            {
                "key": "api",
                "effect": "blocked",
                "scope": {
                    "providers": ["openai"],
                    "services": ["api"],
                    "regions": ["CN", "HK", "RU"],
                },
                "effective_from": "2024-07-09",
                "effective_until": None,
            }
        ]
    },
    "sources": [
        {
            "url": "https://www.theregister.com/2024/06/25/openai_unsupported_countries/",
            "publisher": "The Register",
            "published_on": "2024-06-25",
            "kind": "press",
        }
    ],
}
_CORRECTION: Final[Doc] = {
    "type": "record.corrected",
    "stream": "policy:openai-unsupported-regions-2024",
    "occurred_on": "2026-11-26",
    "data": {
        "event": "456fbba2-a51f-42fb-b282-aa9aeedb480a",
        "action": "retract",
        "reason": "The notice was recorded twice.",
    },
}
APPEND: Final[Doc] = {
    "adopted": {
        "summary": "A provider's dated notice",
        "value": {
            "events": [_EVENT],
            "expected_versions": {"policy:openai-unsupported-regions-2024": 0},
        },
    },
    "corrected": {
        "summary": "A mistake in our record is taken back",
        "value": {"events": [_CORRECTION]},
    },
}
CHECK: Final[Doc] = {
    "cells": {
        "summary": "Two cells on one day",
        "value": {
            "as_of": "2024-07-09",
            "cells": [
                {"provider": "openai", "service": "api", "region": "CN"},
                {"provider": "microsoft", "service": "azure-openai", "region": "CN"},
            ],
        },
    }
}
