"""Model providers: OpenAI, Anthropic, Hugging Face and others."""

from __future__ import annotations

from random import Random

from auditor.sample.tokens.kinds import Kind, plain, whole
from auditor.sample.tokens.randomness import BASE36, BASE62, BASE64URL, HEX, LETTERS, body

_OPENAI_MARK = "T3BlbkFJ"
_GROQ_MARK = "WGdyb3FY"


def _openai(kind: str, prefix: str) -> Kind:
    """Return the form of two halves around the mark."""

    def made(rng: Random) -> str:
        half = rng.choice((58, 74))
        return prefix + body(rng, BASE64URL, half) + _OPENAI_MARK + body(rng, BASE64URL, half)

    return whole(kind, made)


KINDS = (
    _openai("openai-project-key", "sk-proj-"),
    _openai("openai-service-account-key", "sk-svcacct-"),
    _openai("openai-admin-key", "sk-admin-"),
    whole("openai-key-legacy", lambda rng: f"sk-{body(rng, BASE62, 20)}{_OPENAI_MARK}{body(rng, BASE62, 20)}"),
    plain("anthropic-api-key", "sk-ant-api03-", BASE64URL, 93, "AA"),
    plain("anthropic-admin-key", "sk-ant-admin01-", BASE64URL, 93, "AA"),
    plain("anthropic-oauth-token", "sk-ant-oat01-", BASE64URL, 93, "AA"),
    plain("anthropic-oauth-refresh-token", "sk-ant-ort01-", BASE64URL, 93, "AA"),
    plain("anthropic-session-key", "sk-ant-sid01-", BASE64URL, 93, "AA"),
    plain("huggingface-user-token", "hf_", LETTERS, 34),
    plain("huggingface-org-token", "api_org_", LETTERS, 34),
    whole("groq-key", lambda rng: f"gsk_{body(rng, BASE62, 20)}{_GROQ_MARK}{body(rng, BASE62, 24)}"),
    plain("perplexity-key", "pplx-", BASE62, 48),
    plain("xai-key", "xai-", BASE62, 80),
    plain("openrouter-key", "sk-or-v1-", HEX, 64),
    plain("replicate-token", "r8_", BASE62, 37),
    plain("nvidia-key", "nvapi-", BASE64URL, 64),
    plain("cerebras-key", "csk-", BASE36, 48),
    plain("jina-key", "jina_", BASE62, 60),
    plain("together-key", "tgp_v1_", BASE64URL, 43),
)
