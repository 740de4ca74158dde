"""What `manage.py demo` is made of: an environment of its own, believable data, and two servers."""
