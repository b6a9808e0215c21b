"""formrelay: takes in form submissions and relays them to webhooks."""

__version__ = "0.1.0"
