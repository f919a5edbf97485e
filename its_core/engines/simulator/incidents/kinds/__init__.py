"""One file an incident. Each says where in ordinary traffic it may come from, who errs how, and whether it happened."""
