"""The people of the demo, and their password."""

from dataclasses import dataclass

from django.utils.crypto import salted_hmac

from accounts.models import User


@dataclass(frozen=True)
class Person:
    """A user of the demo, with the description printed in the terminal."""

    email: str
    name: str
    story: str = ""


BEGINNER = Person("sanne@dezwaan.example", "Sanne de Vries", "eigenaar van Boekhandel De Zwaan: begin hier")
OWNER = Person(
    "pieter@vandijk.example",
    "Pieter van Dijk",
    "eigenaar van Fietsen Van Dijk, en van Tuincentrum De Linde, dat al een jaar bezig is",
)
EMPLOYEE = Person("fatima@ictvoorwinkels.example", "Fatima el Amrani", "werkt als technicus voor deze verkopers")
ADMINISTRATOR = Person("beheer@portaal.example", "Kim Jansen", "operator van de marktplaats: /beheer/")
PEOPLE = (BEGINNER, OWNER, EMPLOYEE, ADMINISTRATOR)

# These people gave consents, and can no longer sign in.
LEFT = Person("joris@delinde.example", "Joris Bakker")
SWITCHED_OFF = Person("noor@delinde.example", "Noor Smit")


def password() -> str:
    """Return the password, derived from SECRET_KEY: the same in each run."""
    digits = salted_hmac("portal.demo.password", "", algorithm="sha256").hexdigest()
    return "-".join(digits[i : i + 4] for i in range(0, 16, 4))


def set_password(text: str) -> None:
    """Set the password of all users. Those who have it already stay signed in."""
    for user in User.objects.filter(email__in=[person.email for person in PEOPLE]):
        if not user.check_password(text):
            user.set_password(text)
            user.save(update_fields=["password"])


def make_user(person: Person) -> User:
    """Create a user, without a password yet."""
    return User.objects.create_user(person.email, name=person.name)


def user(person: Person) -> User:
    return User.objects.get(email=person.email)
