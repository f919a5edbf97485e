"""The content guardrail: prompts before a clip is made, frames after. It fails closed."""
