"""Which task follows which, what is retried, what ends a run; and the command ``its`` that starts it all."""
