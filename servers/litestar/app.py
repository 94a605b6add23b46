"""Every session operation of Litestar as a route: the other side of the tests that share sessions with it.

Settings come from the environment, so that tests can start it in many ways:
  LITESTAR_STORE      redis URL, or the path of a folder
  LITESTAR_LAYOUT     plain | factory (a `StoreRegistry` with `default_factory`)
  LITESTAR_NAMESPACE  namespace of the Redis store; empty for none; default LITESTAR
  LITESTAR_SESSION    JSON with fields of `ServerSideSessionConfig`
"""

import asyncio
import json
import os
from pathlib import Path

from litestar import Litestar, Request, Response, get, post
from litestar.middleware.session.server_side import ServerSideSessionConfig
from litestar.stores.file import FileStore
from litestar.stores.redis import RedisStore
from litestar.stores.registry import StoreRegistry


@get("/session")
async def session(request: Request) -> dict:
    return dict(request.session)


@get("/slow")
async def slow(request: Request, delay: int) -> dict:
    await asyncio.sleep(delay / 1000)
    return dict(request.session)


@get("/held")
async def held(request: Request, begun: str, until: str) -> dict:
    """Makes one file when it has the session, and answers when there is the other."""
    Path(begun).touch()
    while not Path(until).exists():
        await asyncio.sleep(0.005)
    return dict(request.session)


@post("/set", status_code=204)
async def change(request: Request) -> None:
    request.session.update(await request.json())


@post("/replace", status_code=204)
async def replace(request: Request) -> None:
    request.set_session(await request.json())


@post("/remove/{key:str}", status_code=204)
async def remove(request: Request, key: str) -> None:
    request.session.pop(key, None)


@post("/clear", status_code=204)
async def clear(request: Request) -> None:
    request.clear_session()


@post("/sweep", status_code=204, opt={"skip_session": True})
async def sweep(request: Request) -> None:
    await request.app.stores.get("sessions").delete_expired()


@post("/delete-all", status_code=204, opt={"skip_session": True})
async def delete_all(request: Request) -> None:
    await request.app.stores.get("sessions").delete_all()


@get("/health", opt={"skip_session": True})
async def health() -> Response:
    return Response("ok", media_type="text/plain")


def application() -> Litestar:
    where = os.environ["LITESTAR_STORE"]
    if where.startswith("redis:"):
        namespace = os.environ.get("LITESTAR_NAMESPACE", "LITESTAR") or None
        root = RedisStore.with_client(url=where, namespace=namespace)
    else:
        root = FileStore(Path(where), create_directories=True)
    if os.environ.get("LITESTAR_LAYOUT") == "factory":
        stores = StoreRegistry(default_factory=root.with_namespace)
    else:
        stores = {"sessions": root}
    config = ServerSideSessionConfig(**json.loads(os.environ.get("LITESTAR_SESSION", "{}")))
    return Litestar(
        [session, slow, held, change, replace, remove, clear, sweep, delete_all, health],
        middleware=[config.middleware],
        stores=stores,
        openapi_config=None,
    )


app = application()
