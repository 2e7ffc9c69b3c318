import re

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import RequestDataTooBig
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory, override_settings
from django.urls import path
from django.utils import translation

from governance.common import errors, handlers


@pytest.fixture
def request_of():
    def make(**headers):
        request = RequestFactory().get("/somewhere/", headers=headers)
        request.user = AnonymousUser()
        return request

    return make


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.Invalid("remedy"), 400),
        (errors.NotAllowed("remedy"), 403),
        (errors.NotVisible("remedy"), 404),
        (errors.WrongState("remedy"), 409),
        (errors.TooLarge("remedy"), 413),
        (errors.UnsupportedType("remedy"), 415),
        (errors.Throttled("remedy", retry_after=90), 429),
    ],
)
def test_each_domain_error_has_its_page_and_part(request_of, error, status):
    whole = handlers.domain_error(request_of(), error)
    part = handlers.domain_error(request_of(**{"HX-Request": "true"}), error)
    assert (whole.status_code, part.status_code) == (status, status)
    assert "remedy" in whole.content.decode()
    assert "remedy" in part.content.decode()
    assert "<html" in whole.content.decode()
    assert "<html" not in part.content.decode()
    assert whole.headers["Cache-Control"] == "no-store"


def test_an_error_of_a_domain_keeps_its_field_and_code():
    error = errors.Invalid("Too long.", field="note")
    assert (error.field, error.code, str(error)) == ("note", "invalid", "Too long.")
    assert errors.Invalid(code="own").code == "own"


def test_what_one_may_not_see_reads_like_what_does_not_exist(request_of):
    missing = re.sub(r'content="\w{64}"', "", handlers.not_found(request_of()).content.decode())
    hidden = re.sub(
        r'content="\w{64}"', "", handlers.not_found(request_of(), Exception("secret")).content.decode()
    )
    assert missing == hidden


def test_a_refused_size_is_413(request_of):
    assert handlers.bad_request(request_of(), RequestDataTooBig()).status_code == 413
    assert handlers.bad_request(request_of()).status_code == 400


def test_the_wait_is_said_in_minutes_and_in_a_header(request_of):
    with translation.override("zh-hans"):
        response = handlers.too_many_requests(request_of(), errors.Throttled(retry_after=90))
    assert response.headers["Retry-After"] == "90"
    plain = handlers.too_many_requests(request_of())
    assert plain.headers["Retry-After"] == "60"


def explode(_request: HttpRequest) -> HttpResponse:
    raise RuntimeError("broken")


def miss(_request: HttpRequest) -> HttpResponse:
    raise OperationalError("the connection is closed")


def refuse(_request: HttpRequest) -> HttpResponse:
    raise errors.WrongState("Somebody was faster.")


def size(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(len(request.POST)))


urlpatterns = [path("explode/", explode), path("miss/", miss), path("refuse/", refuse), path("size/", size)]
handler400 = "governance.common.handlers.bad_request"
handler403 = "governance.common.handlers.permission_denied"
handler404 = "governance.common.handlers.not_found"
handler500 = "governance.common.handlers.server_error"


@pytest.mark.urls(__name__)
@pytest.mark.django_db
class TestThroughDjango:
    def test_a_crash_shows_a_number_and_no_inside(self):
        response = Client(raise_request_exception=False).get("/explode/")
        text = response.content.decode()
        assert response.status_code == 500
        assert re.search(r"E-[0-9A-F]{6}", text)
        assert "broken" not in text
        assert "RuntimeError" not in text

    def test_a_page_without_its_database_says_when_to_come_again(self):
        response = Client(raise_request_exception=False).get("/miss/")
        assert (response.status_code, response["Retry-After"]) == (503, "5")
        assert re.search(r"E-[0-9A-F]{6}", response.content.decode())

    def test_an_uncaught_domain_error_becomes_its_page(self):
        response = Client().get("/refuse/")
        assert response.status_code == 409
        assert "Somebody was faster." in response.content.decode()

    def test_an_unknown_address_is_404(self):
        assert Client().get("/nowhere/").status_code == 404

    def test_a_form_from_elsewhere_gets_its_own_page(self):
        response = Client(enforce_csrf_checks=True).post("/size/", {"a": 1})
        assert response.status_code == 403
        with translation.override("zh-hans"):
            assert translation.gettext("This page has been open too long") in response.content.decode()

    @override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=10)
    def test_too_much_text_is_413(self):
        assert Client().post("/size/", {"a": "x" * 100}).status_code == 413
