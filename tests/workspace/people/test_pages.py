"""The directory: everybody once, by department; a city narrows it down; departments without members stand last."""

from collections.abc import Callable

from tests.house import Person

SignedIn = Callable[[str], Person]


def page_of(person: Person, url: str = "/people") -> str:
    answer = person.get(url)
    assert answer.status_code == 200
    return answer.get_data(as_text=True).split("<main")[1].split("</main>")[0]


def test_directory_when_opened_then_everybody_is_in_it_and_empty_departments_are_last(signed_in: SignedIn) -> None:
    page = page_of(signed_in("tangxin"))
    assert all(name in page for name in ("林悦", "苏航", "陈墨", "赵宁", "吴昊", "何青", "罗伊", "唐欣", "管力"))
    assert "9 位成员，10 个部门" in page
    assert page.index("信息技术") < page.index("还没有成员的部门") < page.index("人事")


def test_directory_when_a_city_is_chosen_then_only_those_who_work_there(signed_in: SignedIn) -> None:
    page = page_of(signed_in("tangxin"), "/people?city=上海")
    assert "苏航" in page
    assert "罗伊" in page
    assert "林悦" not in page
    assert '<a href="/people?city=%E4%B8%8A%E6%B5%B7" aria-current="page">上海 <span class="nav-count">2</span>' in page
    assert page.split("还没有成员的部门")[1].count('class="chip"') == 2, "a department is empty when nobody works in it anywhere"


def test_directory_when_nobody_works_in_the_city_then_it_says_so_and_leads_back(signed_in: SignedIn) -> None:
    page = page_of(signed_in("tangxin"), "/people?city=Atlantis")
    assert "这个城市还没有成员" in page
    assert 'href="/people"' in page
