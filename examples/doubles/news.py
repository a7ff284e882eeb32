"""A site of stories: `/api/v1/search` lists them, each leads to a page of this very server. `python -m examples.doubles.news`.

The page of every third story is gone (404).
"""

from __future__ import annotations

from examples.doubles.server import Answer, Double, Received, main


def news(port: int = 0) -> Double:
    """Make a site of stories; its URL is the `base_url` of a connection."""
    return Double(answer, port=port)


def answer(request: Received) -> Answer:
    """Answer one request."""
    if request.path == "/api/v1/search":
        limit = request.query.get("hitsPerPage", "20")
        if not limit.isdigit():
            return Answer({"message": "hitsPerPage must be a number"}, 400)
        site = f"http://{request.headers['host']}"
        return Answer({"hits": [{"title": f"Story {n}", "url": f"{site}/pages/{n}"} for n in range(int(limit))]})
    number = request.path.removeprefix("/pages/")
    if not number.isdigit() or int(number) % 3 == 2:
        return Answer("gone", 404, {"Content-Type": "text/plain"})
    return Answer(f"This is the page of story {number}.", headers={"Content-Type": "text/plain"})


if __name__ == "__main__":
    main(news, "A site of stories.")
