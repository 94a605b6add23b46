"""The shop that is to be moved: what it keeps of a visitor is in the session.

REDIS_URL says where sessions are, such as redis://127.0.0.1:6379/0
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from litestar import Litestar, Request, get, post
from litestar.contrib.jinja import JinjaTemplateEngine
from litestar.enums import RequestEncodingType
from litestar.middleware.session.server_side import ServerSideSessionConfig
from litestar.params import Body
from litestar.response import Redirect, Template
from litestar.stores.redis import RedisStore
from litestar.template.config import TemplateConfig

COATS = ["Duffle coat", "Parka", "Trench coat"]

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


@dataclass
class Page:
    """What every page shows of the session."""

    visits: int
    user: str
    count: int
    side: str = "Litestar"


def show(name: str, request: Request, **more: object) -> Template:
    session = request.session
    page = Page(
        visits=session.get("visits", 0),
        user=session.get("user", ""),
        count=sum(session.get("cart", {}).values()),
    )
    return Template(name, context={"page": page, **more})


@get("/")
async def coats(request: Request) -> Template:
    request.session["visits"] = request.session.get("visits", 0) + 1
    return show("coats.html", request, coats=COATS)


@get("/cart")
async def cart(request: Request) -> Template:
    return show("cart.html", request, cart=sorted(request.session.get("cart", {}).items()))


@post("/cart", status_code=303)
async def add(request: Request, data: Form) -> Redirect:
    if data.get("coat") in COATS:
        inside = request.session.setdefault("cart", {})
        inside[data["coat"]] = inside.get(data["coat"], 0) + 1
    return Redirect("/cart", status_code=303)


@get("/account")
async def account(request: Request) -> Template:
    return show("account.html", request)


@post("/account/sign-in", status_code=303)
async def sign_in(request: Request, data: Form) -> Redirect:
    if name := data.get("name", "")[:100]:
        request.session["user"] = name
    return Redirect("/account", status_code=303)


@post("/account/sign-out", status_code=303)
async def sign_out(request: Request) -> Redirect:
    request.clear_session()
    return Redirect("/account", status_code=303)


app = Litestar(
    [coats, cart, add, account, sign_in, sign_out],
    middleware=[ServerSideSessionConfig().middleware],
    stores={"sessions": RedisStore.with_client(url=os.environ["REDIS_URL"])},
    template_config=TemplateConfig(
        directory=Path(__file__).parent / "templates", engine=JinjaTemplateEngine
    ),
    openapi_config=None,
)
