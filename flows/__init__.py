"""Which task follows which, what is retried, what ends a run; and the command ``its`` that starts it all."""

from its_flows import prefect_environment

prefect_environment.set_defaults()  # before anything imports Prefect, which reads them once
