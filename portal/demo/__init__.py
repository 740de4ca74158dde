"""The parts of `manage.py demo`: a separate environment, realistic data, and two servers."""
