"""How Nightreel runs: settings of Spark and Airflow, services on one machine."""

from infra.environment import clean_environment

clean_environment()
