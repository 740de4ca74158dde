from django.conf import settings
from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """Sets the time limits in each transaction, because a pooler refuses them as start-up options.

    A SET without LOCAL would stay on the server's connection, which the next transaction of another client gets.
    """

    has_transaction_limits = True

    def _set_autocommit(self, autocommit: bool) -> None:
        super()._set_autocommit(autocommit)  # type: ignore[misc]
        if not autocommit and self.has_transaction_limits:
            limits = (f"SET LOCAL {name} = '{value}'" for name, value in settings.DATABASE_LIMITS.items())
            with self.wrap_database_errors:
                self.connection.execute("; ".join(limits))
