"""How clips get made: plan, receipts, launcher (torchrun from outside) and worker (from inside)."""
