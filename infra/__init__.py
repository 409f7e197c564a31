"""Where it runs: settings of Spark and Airflow, services on one machine."""

from infra.environment import take_over

take_over()
