# SPDX-License-Identifier: EUPL-1.2
"""Conversations: the list that is always up to date, views that are kept, words that are looked for, mentions."""

from collections.abc import Mapping
from typing import Any, get_args
from urllib.parse import urlencode

from starlette.datastructures import QueryParams
from starlette.responses import RedirectResponse, Response

from bot.console import conversation_pages, stepping_in
from bot.console.page import Page, get, post
from handlers.desk.office import Refused
from handlers.desk.office.conversations import ASKED, VIEWS, Listed
from handlers.desk.office.exports import MIME, Kind
from handlers.talk import _

LIST = "/console/conversations"
SEARCH = "/console/search"
LISTED = "conversations_listed"
FILTERS = (*ASKED, "direction")


def index(page: Page) -> Response:
    asked = asked_for(page.request.query_params)
    places = {"before": page.asked("before"), "after": page.asked("after")}
    if page.is_fragment:
        with page.reading() as office:
            listed, is_noted = office.conversations.list(asked, **places), office.has_noted(LISTED, "conversations")
        if not is_noted:
            with page.writing() as office:
                office.note(LISTED, "conversations", view=asked.get("view") or "all")
        return rows(page, listed, asked, places)
    with page.writing() as office:
        listed = office.conversations.list(asked, **places)
        office.note(LISTED, "conversations", view=asked.get("view") or "all")
        choices, views = office.conversations.choices(), office.conversations.views()
        mentions = len(office.conversations.mentions())
    return page.show(
        "conversations/list.html",
        **around(listed, asked, places),
        choices=choices,
        views=VIEWS,
        kept=[(one, link(LIST, asked_for(one.filters))) for one in views],
        mentions=mentions,
        wrong=None,
        kinds=get_args(Kind),
    )


def rows(page: Page, listed: Listed, asked: Mapping[str, str], places: Mapping[str, str]) -> Response:
    return page.show("conversations/_rows.html", **around(listed, asked, places))


def around(listed: Listed, asked: Mapping[str, str], places: Mapping[str, str]) -> dict[str, Any]:
    """The rows, with the addresses of what stands before and behind them."""
    return {
        "rows": listed.rows,
        "asked": asked,
        "here": link(LIST, asked, **places),
        "newer": link(LIST, asked, after=listed.newer) if listed.newer else None,
        "older": link(LIST, asked, before=listed.older) if listed.older else None,
        "plain": link(LIST, {key: value for key, value in asked.items() if key != "view"}),
    }


def save_view(page: Page) -> Response:
    asked = {name: page.given(name) for name in ASKED if page.given(name)}
    with page.writing() as office:
        office.conversations.save_view(page.given("name"), asked)
    return page.go(LIST, _("The view is kept."), **asked)


def drop_view(page: Page) -> Response:
    with page.writing() as office:
        office.conversations.drop_view(page.id("view"))
    return page.go(LIST, _("The view is deleted."))


def search(page: Page) -> Response:
    sought, asked = page.asked("q")[:200], asked_for(page.request.query_params)
    before, after = page.number("before"), page.number("after")
    with page.writing() as office:
        results = office.conversations.search(sought, asked, before=before, after=after) if sought else None
        choices = office.conversations.choices()
    more = {"q": sought}
    return page.show(
        "conversations/search.html",
        sought=sought,
        results=results,
        asked=asked,
        choices=choices,
        newer=link(SEARCH, asked, **more, after=str(results.newer)) if results and results.newer else None,
        older=link(SEARCH, asked, **more, before=str(results.older)) if results and results.older else None,
    )


def mentions(page: Page) -> Response:
    with page.writing() as office:
        found = office.conversations.mentions(only_new=False)
        masks = office.conversations.masks.of(office.store.reviews.names_of({one.person_id for one in found}))
        office.note("mentions_read", office.actor)
    return page.show("conversations/mentions.html", mentions=found, masks=masks)


def saw_mentions(page: Page) -> Response:
    with page.writing() as office:
        office.conversations.saw_mentions()
    return page.go(f"{LIST}/mentions", _("Done."))


def next_unreviewed(page: Page) -> Response:
    with page.reading() as office:
        found = office.conversations.next_unreviewed(page.number("after"))
    if found is None:
        return page.go(LIST, _("Everything has been reviewed."))
    return RedirectResponse(f"{LIST}/{found}", status_code=303)


def export(page: Page) -> Response:
    asked, kind = {name: page.given(name) for name in ASKED}, page.given("kind")
    with page.writing() as office:
        if kind not in get_args(Kind):
            raise Refused(_("Choose CSV, XLSX or JSON."))
        with_names = page.given("names") == "1"
        content = office.exports.file(
            asked,
            kind,  # type: ignore[arg-type]
            page.reader,
            with_names=with_names,
            reason=page.given("reason"),
        )
    return saved(content, f"conversations.{kind}", MIME[kind])


def saved(content: bytes, name: str, kind: str) -> Response:
    """A file that a browser only saves."""
    return Response(content, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def asked_for(query: QueryParams | Mapping[str, str]) -> dict[str, str]:
    """What the list is narrowed to, as the address says it."""
    return {name: value for name in FILTERS if (value := str(query.get(name, "")).strip())}


def link(path: str, asked: Mapping[str, str], **more: str) -> str:
    found = urlencode({name: value for name, value in {**asked, **more}.items() if value})
    return f"{path}?{found}" if found else path


ROUTES = (
    get(LIST, "conversations", "read", index),
    get(SEARCH, "conversations", "read", search),
    get(f"{LIST}/mentions", "conversations", "read", mentions),
    post(f"{LIST}/mentions", "conversations", "read", saw_mentions),
    get(f"{LIST}/next", "conversations", "read", next_unreviewed),
    post(f"{LIST}/export", "conversations", "export", export),
    post(f"{LIST}/views", "conversations", "read", save_view),
    post(f"{LIST}/views/{{view}}/delete", "conversations", "read", drop_view),
    *conversation_pages.ROUTES,
    *stepping_in.ROUTES,
)
