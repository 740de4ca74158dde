"""Mails about acts: recipients, content, and absence of secrets."""

import datetime as dt
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import Actor, Membership, Seller
from apicredentials.keys.hash_keys import digest
from apicredentials.models import Activity, ClientCredential, OutgoingMail, ThirdParty, ThirdPartyAuthorization, sellers
from apicredentials.models.kinds import Recipients
from apicredentials.models.leak_reports import report_leak
from apicredentials.models.outgoing_mail import unique_addresses
from apicredentials.models.states import Cause
from tests.factories import (
    ClientCredentialFactory,
    MembershipFactory,
    ThirdPartyAuthorizationFactory,
    ThirdPartyFactory,
)
from tests.mail.conftest import CONTACT, OWNER
from tests.mailbox import send_due_mail

type CaptureCallbacks = Callable[..., AbstractContextManager[Any]]

Kind = Activity.Kind
WEEK = dt.timedelta(days=7)


def credential_of(seller: Seller, **traits: Any) -> ClientCredential:
    return ClientCredentialFactory(seller=seller, name="Magazijn", **traits)


def consent(seller: Seller, by: Actor) -> None:
    third_party = ThirdPartyFactory(name="Boekhouding")
    ThirdPartyAuthorization.objects.consent(seller=seller, third_party=third_party, rights=["orders:manage"], by=by)


def leak(seller: Seller, by: Actor) -> None:
    secret = credential_of(seller).reveal(by=by)
    assert report_leak([digest(secret)], by=Actor(stand_in="Melder"))


# Each act with the kinds of mail that it queues.
ACTS: dict[str, tuple[Callable[[Seller, Actor], object], list[str]]] = {
    "create": (
        lambda seller, by: ClientCredential(seller=seller, name="Magazijn", scope="orders:read").create(by=by),
        [Kind.CREDENTIAL_CREATED],
    ),
    "reveal": (lambda seller, by: credential_of(seller).reveal(by=by), [Kind.SECRET_REVEALED]),
    "rotate": (
        lambda seller, by: credential_of(seller, revealed=True).rotate(overlap=WEEK, by=by),
        [Kind.SECRET_ROTATED],
    ),
    "pause": (lambda seller, by: credential_of(seller).pause(by=by), [Kind.CREDENTIAL_PAUSED]),
    "resume": (lambda seller, by: credential_of(seller, paused=True).resume(by=by), [Kind.CREDENTIAL_RESUMED]),
    "delete": (lambda seller, by: credential_of(seller).delete_softly(by=by), [Kind.CREDENTIAL_DELETED]),
    "restore": (lambda seller, by: credential_of(seller, deleted=True).restore(by=by), [Kind.CREDENTIAL_RESTORED]),
    "rename": (lambda seller, by: credential_of(seller).rename("Kantoor", by=by), []),
    "leak": (leak, [Kind.SECRET_REVEALED, Kind.LEAK_REPORTED]),
    "authorize": (consent, [Kind.PARTY_AUTHORIZED]),
    "renew": (
        lambda seller, by: ThirdPartyAuthorizationFactory(seller=seller, expiring=True).renew(by=by),
        [Kind.PARTY_RENEWED],
    ),
    "remove": (lambda seller, by: ThirdPartyAuthorizationFactory(seller=seller).revoke(by=by), [Kind.PARTY_REVOKED]),
}
EVERY_ACT = pytest.mark.parametrize("name", ACTS)


def take_over(seller: Seller, by: Actor) -> None:
    authorization = ThirdPartyAuthorizationFactory(seller=seller)
    authorization.stop(Cause.MEMBER_LEFT, by=by)
    authorization.take_over(by=by)


def suspend_and_resume(seller: Seller, by: Actor) -> None:
    suspend_and_resume_party(ThirdPartyAuthorizationFactory(seller=seller).third_party, by)


def suspend_and_resume_party(party: ThirdParty, by: Actor) -> None:
    party.pause(by=by)
    party.resume(by=by)


def leak_of_party(seller: Seller, by: Actor) -> None:
    secret = ThirdPartyAuthorizationFactory(seller=seller).third_party.reveal(by=by)
    report_leak([digest(secret)], by=by)


def close_and_reopen(seller: Seller, by: Actor) -> None:
    sellers.close(seller, by=by)
    sellers.reopen(seller, by=by)


# Acts of operators and parties, and those whose mail has another advice.
OTHER_ACTS: dict[str, tuple[Callable[[Seller, Actor], object], list[str]]] = {
    "narrow": (
        lambda seller, by: ThirdPartyAuthorizationFactory(seller=seller).narrow(["orders:read"], by=by),
        [Kind.PARTY_NARROWED],
    ),
    "take over": (take_over, [Kind.PARTY_STOPPED, Kind.PARTY_TAKEN_OVER]),
    "suspend": (suspend_and_resume, [Kind.PARTY_SUSPENDED, Kind.PARTY_RESUMED]),
    "leak of party": (leak_of_party, [Kind.PARTY_SECRET_LEAKED]),
    "close": (close_and_reopen, [Kind.SELLER_CLOSED, Kind.SELLER_REOPENED]),
}
ALL_ACTS = ACTS | OTHER_ACTS


@pytest.mark.parametrize("name", ALL_ACTS)
def test_act_is_mailed_to_owner_and_contact_by_send_notices_only(
    seller: Seller, by: Actor, name: str, django_capture_on_commit_callbacks: CaptureCallbacks
) -> None:
    act, kinds = ALL_ACTS[name]
    with django_capture_on_commit_callbacks(execute=True):
        act(seller, by)
    assert mail.outbox == []
    assert [message.to for message in send_due_mail()] == [[OWNER], [CONTACT]] * len(kinds)
    assert list(OutgoingMail.objects.order_by("pk").values_list("kind", flat=True)) == [
        kind for kind in kinds for _ in range(2)
    ]


def test_every_kind_mailed_to_owners_and_contact_is_covered_here_or_by_the_notices() -> None:
    tried = {kind for _, kinds in ALL_ACTS.values() for kind in kinds}
    elsewhere = {Kind.SECRET_ENDED, Kind.PARTY_EXPIRED, Kind.PARTY_REVIVED}
    expected = {kind for kind in Kind if kind.recipients == Recipients.OWNERS_AND_CONTACT}
    assert tried | elsewhere == expected


def test_switching_the_giver_off_and_on_is_mailed_with_the_parties_concerned(seller: Seller) -> None:
    giver = MembershipFactory(seller=seller, role=Membership.Role.TECHNICAL).user
    ThirdPartyAuthorizationFactory(seller=seller, granted_by=giver)
    sellers.switch_off(giver, by=Actor(reason="Uit dienst"))
    sellers.switch_on(giver, by=Actor(reason="Weer in dienst"))
    queued = OutgoingMail.objects.order_by("pk").values_list("kind", "recipient")
    assert list(queued) == [
        (Kind.USER_SWITCHED_OFF, OWNER),
        (Kind.USER_SWITCHED_OFF, giver.email),
        (Kind.PARTY_STOPPED, OWNER),
        (Kind.PARTY_STOPPED, CONTACT),
        (Kind.USER_SWITCHED_ON, OWNER),
        (Kind.USER_SWITCHED_ON, giver.email),
        (Kind.PARTY_REVIVED, OWNER),
        (Kind.PARTY_REVIVED, CONTACT),
    ]


def test_suspension_of_a_party_takes_no_more_statements_for_more_sellers(db: None, by: Actor) -> None:
    counts = set()
    for sellers_concerned in (1, 4):
        party = ThirdPartyFactory()
        ThirdPartyAuthorizationFactory.create_batch(sellers_concerned, third_party=party)
        with CaptureQueriesContext(connection) as captured:
            suspend_and_resume_party(party, by)
            assert party.count_concerned() == (sellers_concerned, sellers_concerned)
        counts.add(len(captured))
    assert len(counts) == 1


def test_suspension_is_not_mailed_about_a_consent_that_stopped_with_its_giver(seller: Seller) -> None:
    giver = MembershipFactory(seller=seller, role=Membership.Role.TECHNICAL).user
    party = ThirdPartyAuthorizationFactory(seller=seller, granted_by=giver).third_party
    sellers.switch_off(giver, by=Actor(reason="Uit dienst"))
    OutgoingMail.objects.all().delete()
    suspend_and_resume_party(party, Actor(reason="Inbraak"))
    assert not OutgoingMail.objects.exists()


@EVERY_ACT
def test_mail_has_actor_time_address_and_advice(seller: Seller, by: Actor, name: str) -> None:
    act, _ = ACTS[name]
    act(seller, by)
    for message in send_due_mail():
        assert isinstance(message, EmailMultiAlternatives)
        for body in (message.body, str(message.alternatives[0][0])):
            assert f"Appels (verkoper {seller.retailer_id})" in body
            assert "Wanneer" in body
            assert "http://testserver/instellingen/api/" in body
            assert "Was jij dit niet" in body or "lek" in message.subject
            assert OWNER in body or "Melder" in body  # who
            assert "203.0.113.7" in body or "Melder" in body


def test_rolled_back_act_is_not_mailed(seller: Seller, by: Actor) -> None:
    for act, _ in ALL_ACTS.values():
        with transaction.atomic():
            act(seller, by)
            transaction.set_rollback(True)
    assert not OutgoingMail.objects.exists()


def test_neither_mail_nor_outbox_contains_a_secret(seller: Seller, by: Actor) -> None:
    credential = credential_of(seller)
    secrets = [credential.reveal(by=by), credential.rotate(overlap=WEEK, by=by)]
    report_leak([digest(secrets[0])], by=by)
    kept = "".join(f"{row.context}{row.key}" for row in OutgoingMail.objects.all())
    sent = "".join(message.message().as_string() for message in send_due_mail())
    assert len(mail.outbox) == 6
    for secret in secrets:
        for text in (kept, sent):
            assert secret not in text
            assert digest(secret) not in text
    assert "rts_" not in kept + sent


def test_mail_about_an_operators_act_has_the_reason(seller: Seller) -> None:
    credential_of(seller).pause(by=Actor(reason="Te veel aanvragen per minuut"))
    body = send_due_mail()[0].body
    assert "Wie: Operator van de marktplaats" in body
    assert "Reden: Te veel aanvragen per minuut" in body
    assert "Dit is gedaan door de marktplaats" in body
    assert "Was jij dit niet" not in body


def test_party_is_not_told_that_the_seller_did_what_an_operator_did(seller: Seller) -> None:
    authorization = ThirdPartyAuthorizationFactory(seller=seller, third_party__contact_email="hulp@partij.example")
    authorization.revoke(by=Actor(reason="Fraude"))
    (message,) = [each for each in send_due_mail() if each.to == ["hulp@partij.example"]]
    assert message.subject == "Toegang tot Appels is verwijderd"


# ---- Recipients -------------------------------------------------------------------------------------------


def recipients(seller: Seller, by: Actor) -> list[str]:
    credential_of(seller).pause(by=by)
    return list(OutgoingMail.objects.order_by("pk").values_list("recipient", flat=True))


def test_each_address_is_mailed_once_ignoring_case(seller: Seller, by: Actor) -> None:
    type(seller.technical_contact).objects.update(email=OWNER.upper())
    assert recipients(seller, by) == [OWNER]


def test_unique_addresses_keep_order_and_first_spelling() -> None:
    assert unique_addresses(["B@x.example", "a@x.example", "b@X.example", CONTACT], but=[CONTACT.upper()]) == [
        "B@x.example",
        "a@x.example",
    ]


def test_every_owner_and_no_other_member_is_mailed(seller: Seller, by: Actor) -> None:
    second = MembershipFactory(seller=seller).user
    for role in (Membership.Role.ADMINISTRATOR, Membership.Role.TECHNICAL, Membership.Role.READ_ONLY):
        MembershipFactory(seller=seller, role=role)
    MembershipFactory(seller=seller, user__is_active=False)
    MembershipFactory()
    assert recipients(seller, by) == [OWNER, second.email, CONTACT]


def test_unconfirmed_contact_is_mailed_too(seller: Seller, by: Actor) -> None:
    type(seller.technical_contact).objects.update(confirmed_at=None)
    assert recipients(seller, by) == [OWNER, CONTACT]


def test_act_on_a_third_party_itself_is_not_mailed(db: None, by: Actor) -> None:
    ThirdPartyFactory().reveal(by=by)
    assert not OutgoingMail.objects.exists()
