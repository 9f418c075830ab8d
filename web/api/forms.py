"""Forms of what comes in and goes out: bases of every pydantic model of the API, and types that several share."""

from __future__ import annotations

from typing import Annotated, Any, Final, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from appliance.core.canonical import loads_strict
from appliance.core.clock import parse_rfc3339, rfc3339_us

#: The most items of one page.
LARGEST_PAGE: Final = 200
_NAME_CHARACTERS: Final = 120
_KEY_CHARACTERS: Final = 160


class Model(BaseModel):
    """Base of everything that a request may hold: unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Body(Model):
    """Base of JSON bodies: values of another type, NaN and infinities are refused too."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Out(BaseModel):
    """Base of answers; read from rows and records."""

    model_config = ConfigDict(from_attributes=True, extra="ignore")


Item = TypeVar("Item", bound=BaseModel)


class Page(Out, Generic[Item]):
    """Some of many, in a fixed order; ``next`` is the cursor of those behind, null at the end."""

    items: list[Item]
    next: str | None


class PageQuery(Model):
    """How much of a list, and from where on."""

    limit: int = Field(100, ge=1, le=LARGEST_PAGE, description="The most items of the page.")
    cursor: str | None = Field(None, max_length=400, description="The 'next' of the page before.")


def _parsed(value: Any) -> Any:
    return loads_strict(value) if isinstance(value, str) else value


#: A name that a caller gives: of an asset, a part, a device.
Name = Annotated[str, Field(min_length=1, max_length=_NAME_CHARACTERS)]
#: A free text of one line.
Line = Annotated[str, Field(max_length=_NAME_CHARACTERS)]
#: An id or a name by which something is found.
Key = Annotated[str, Field(min_length=1, max_length=_KEY_CHARACTERS)]
Reason = Annotated[str, Field(min_length=1, max_length=500)]
#: Columns that hold JSON as text.
JsonObject = Annotated[dict[str, Any], BeforeValidator(_parsed)]
JsonList = Annotated[list[Any], BeforeValidator(_parsed)]
#: A moment (RFC 3339); kept as text that sorts as moments do.
Moment = Annotated[
    str,
    Field(max_length=40),
    AfterValidator(lambda text: rfc3339_us(parse_rfc3339(text))),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
#: What is said of every ``sort``.
SORT: Final = "Order; '-' puts the greatest first, equal ones follow their making ('id')."


class NamedPageQuery(PageQuery):
    """Which of the things that have names."""

    search: Line | None = Field(None, min_length=1, description="A piece of the name; ASCII letters of either case.")
