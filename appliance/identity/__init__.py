"""Who somebody is: API keys of people's programs, of devices and of services."""
