"""The fixtures themselves: each server answers, and takes what the product will send it."""

from typing import Any

import pytest
import redis
import sqlalchemy


@pytest.mark.server
def test_postgres_gives_every_test_an_empty_database(postgres_url: str) -> None:
    engine = sqlalchemy.create_engine(postgres_url)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("CREATE TABLE notes (text varchar)"))
        connection.execute(sqlalchemy.text("INSERT INTO notes VALUES ('双十一大促')"))
        assert connection.execute(sqlalchemy.text("SELECT text FROM notes")).scalar_one() == "双十一大促"
    engine.dispose()


@pytest.mark.server
def test_redis_publishes_to_a_subscriber(redis_server: str) -> None:
    with redis.Redis.from_url(redis_server) as client, client.pubsub(ignore_subscribe_messages=True) as listener:
        listener.subscribe("room")
        client.publish("room", "hello")
        heard = next(message for _ in range(5) if (message := listener.get_message(timeout=2)))
        assert heard["data"] == b"hello"


@pytest.mark.browser
def test_pages_have_the_two_widths_and_speak_chinese(page: Any, phone_page: Any) -> None:
    for opened, width in ((page, 1440), (phone_page, 390)):
        opened.set_content("<meta name=viewport content='width=device-width'><p>主线</p>")
        assert opened.evaluate("innerWidth") == width
        assert opened.evaluate("navigator.language") == "zh-CN"
