"""What is wrong with an input is said in words of JSON, not of the library that reads it."""

from datetime import timedelta

import pytest
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from saltern_runtime.dev.given import InputError, checked
from saltern_runtime.models import Model
from saltern_runtime.web.problems import respond


class Given(Model):
    """What a pipeline takes."""

    pause: timedelta


@pytest.mark.parametrize("written", ["1s", "1h30m", ""])
def test_a_duration_of_the_language_is_none_of_json(written):
    """The API and `saltern run` say how one is written there; the language has another way."""
    said = "a duration is wanted as ISO 8601 writes it: PT1S is a second"
    with pytest.raises(InputError, match=f"  pause: {said}"):
        checked(Given, {"pause": written})
    with pytest.raises(ValidationError) as caught:
        Given.model_validate({"pause": written})
    found = [{**each, "loc": ("body", *each["loc"])} for each in caught.value.errors()]
    answer = respond(RequestValidationError(found, body={"pause": written}))
    assert said.encode() in answer.body
    assert checked(Given, {"pause": "PT1S"}).pause == timedelta(seconds=1)
