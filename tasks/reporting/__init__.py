"""What people see of a run: lines while they wait, and the run's page in Prefect."""
