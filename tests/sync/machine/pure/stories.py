"""The shortest known way into each bug that is planted into the plan, told as Hypothesis tells a run."""

from __future__ import annotations

from tests.sync.machine.pure.run import Story

MEETS: dict[str, Story] = {
    "no_compare_and_swap": [
        ("begin", {"tree": False, "alone": False, "agents": 2}),
        ("write", {"agent": 0, "common": 0, "name": "a.psd", "where": 0}),
        ("settle", {}),
        ("write", {"agent": 0, "common": 2, "name": "A.psd", "where": 0}),
        ("write", {"agent": 1, "common": 1, "name": "a.psd", "where": 0}),
    ],
    "clobbering_download": [
        ("begin", {"tree": False, "alone": False, "agents": 2}),
        ("write", {"agent": 0, "common": 0, "name": "a.psd", "where": 0}),
        ("settle", {}),
        ("write", {"agent": 0, "common": 1, "name": "A.psd", "where": 0}),
        ("write", {"agent": 1, "common": 2, "name": "a.psd", "where": 0}),
    ],
    "no_journal": [
        ("begin", {"agents": 2, "alone": True, "tree": False}),
        ("write", {"agent": 0, "common": 0, "name": "g", "where": 0}),
        ("work", {"agent": 0, "most": 1}),
        ("act", {"agent": 0, "name": 0, "what": "delete", "where": 0, "which": 0}),
        ("send", {"agent": 0}),
        ("crash", {"agent": 0}),
    ],
    "blind_delete": [
        ("begin", {"agents": 2, "alone": False, "tree": True}),
        ("act", {"agent": 0, "which": 5, "what": "delete", "where": 0, "name": 0}),
        ("act", {"agent": 1, "which": 5, "what": "edit", "where": 3, "name": 0}),
        ("sync", {"agent": 1}),
    ],
    "the_feed_overtakes_the_answer": [
        ("begin", {"agents": 2, "tree": False, "alone": True}),
        ("write", {"agent": 0, "common": 0, "name": "A.psd", "where": 0}),
        ("sync", {"agent": 0}),
        ("write", {"agent": 0, "common": 1, "name": "A.psd", "where": 0}),
        ("work", {"agent": 0, "most": 1}),
        ("write", {"agent": 0, "common": 2, "name": "A.psd", "where": 0}),
    ],
    "a_delete_beats_an_edit": [
        ("begin", {"agents": 2, "alone": False, "tree": True}),
        ("act", {"agent": 0, "which": 5, "what": "delete", "where": 0, "name": 0}),
        ("act", {"agent": 1, "which": 5, "what": "edit", "where": 3, "name": 0}),
        ("sync", {"agent": 0}),
    ],
    "a_delete_is_not_believed": [
        ("begin", {"agents": 2, "alone": True, "tree": True}),
        ("act", {"agent": 0, "name": 0, "what": "delete", "where": 0, "which": 0}),
    ],
    "what_is_gone_on_both_sides_is_remembered": [
        ("begin", {"alone": False, "agents": 2, "tree": True}),
        ("act_at_once", {"agent": 0, "which": 0, "acts": [(False, "delete", 0, 0), (True, "delete", 1, 1)]}),
    ],
    "the_same_bytes_are_a_conflict": [
        ("begin", {"agents": 2, "alone": False, "tree": False}),
    ],
    "what_is_new_is_no_change": [
        ("begin", {"alone": False, "agents": 2, "tree": True}),
    ],
    "versions_are_compared_in_place_of_bytes": [
        ("begin", {"alone": False, "agents": 2, "tree": True}),
    ],
    "an_edit_there_is_not_taken": [
        ("begin", {"agents": 2, "alone": False, "tree": True}),
        ("act", {"agent": 0, "name": 0, "what": "edit", "where": 0, "which": 4}),
    ],
    "a_move_is_not_seen": [
        ("begin", {"alone": False, "tree": True, "agents": 2}),
        ("change_places", {"agent": 0, "other": 1, "which": 0}),
    ],
    "moves_are_only_taken": [
        ("begin", {"alone": True, "tree": True, "agents": 2}),
        ("change_places", {"agent": 0, "other": 1, "which": 0}),
    ],
    "moves_are_only_sent": [
        ("begin", {"agents": 2, "alone": False, "tree": True}),
        ("act", {"agent": 0, "name": 0, "what": "move", "where": 0, "which": 1}),
    ],
    "an_edit_takes_a_move_back": [
        ("begin", {"alone": False, "agents": 2, "tree": True}),
        ("act_at_once", {"agent": 0, "which": 4, "acts": [(False, "edit", 0, 0), (True, "move", 1, 1)]}),
    ],
    "a_save_moves_back": [
        ("begin", {"agents": 2, "alone": False, "tree": True}),
        ("act", {"agent": 0, "which": 4, "what": "move", "where": 0, "name": 0}),
        ("act", {"agent": 0, "which": 4, "what": "edit", "where": 0, "name": 0}),
        ("act", {"agent": 1, "which": 0, "what": "delete", "where": 0, "name": 0}),
        ("sync", {"agent": 1}),
    ],
    "a_folder_goes_with_what_is_in_it": [
        ("begin", {"tree": True, "alone": False, "agents": 2}),
        ("act_at_once", {"agent": 0, "which": 0, "acts": [(False, "make_folder", 0, 0), (True, "delete", 1, 1)]}),
    ],
    "folders_return_on_the_wrong_side": [
        ("begin", {"tree": True, "alone": False, "agents": 2}),
        ("act_at_once", {"agent": 1, "which": 0, "acts": [(False, "make_folder", 0, 0), (True, "delete", 1, 1)]}),
        ("sync", {"agent": 1}),
    ],
    "only_the_nearest_folder_is_kept": [
        ("begin", {"tree": True, "agents": 2, "alone": False}),
        ("act", {"agent": 0, "name": 0, "what": "delete", "where": 0, "which": 2}),
        ("change_places", {"agent": 1, "other": 0, "which": 7}),
    ],
    "a_folder_goes_while_something_of_it_waits": [
        ("begin", {"agents": 2, "alone": False, "tree": True}),
        ("act", {"agent": 0, "which": 0, "what": "edit", "where": 0, "name": 0}),
        ("work", {"agent": 0, "most": 1}),
        ("act", {"agent": 1, "which": 0, "what": "delete", "where": 0, "name": 0}),
        ("sync", {"agent": 1}),
    ],
    "a_folder_returns_while_something_of_it_waits": [
        ("begin", {"tree": True, "agents": 2, "alone": True}),
        ("act", {"agent": 0, "name": 0, "what": "delete", "where": 0, "which": 0}),
        ("work", {"agent": 0, "most": 1}),
    ],
    "the_folder_of_a_second_head_goes": [
        ("begin", {"agents": 2, "alone": False, "tree": True}),
        ("act", {"agent": 0, "which": 5, "what": "edit", "where": 0, "name": 0}),
        ("act", {"agent": 1, "which": 5, "what": "move", "where": 2, "name": 0}),
        ("act", {"agent": 1, "which": 5, "what": "edit", "where": 1, "name": 0}),
        ("act", {"agent": 1, "which": 0, "what": "delete", "where": 0, "name": 0}),
        ("sync", {"agent": 1}),
        ("sync", {"agent": 1}),
    ],
    "a_ring_is_closed": [
        ("begin", {"alone": False, "agents": 2, "tree": True}),
        ("change_places", {"agent": 0, "other": 3, "which": 0}),
        ("change_places", {"agent": 1, "other": 1, "which": 2}),
    ],
    "a_ring_waits_for_ever": [
        ("begin", {"agents": 2, "alone": False, "tree": True}),
        ("act", {"agent": 0, "which": 0, "what": "move", "where": 2, "name": 0}),
        ("act", {"agent": 1, "which": 2, "what": "move", "where": 0, "name": 0}),
    ],
    "a_ring_is_closed_before_the_answer": [
        ("begin", {"agents": 2, "alone": False, "tree": True}),
        ("act", {"agent": 0, "which": 0, "what": "move", "where": 2, "name": 0}),
        ("work", {"agent": 0, "most": 1}),
        ("act", {"agent": 1, "which": 2, "what": "move", "where": 0, "name": 0}),
        ("sync", {"agent": 1}),
    ],
    "what_goes_into_a_folder_does_not_wait_for_it": [
        ("begin", {"alone": False, "agents": 2, "tree": True}),
        ("write", {"agent": 1, "common": 0, "name": "g", "where": 1}),
        ("work", {"agent": 1, "most": 1}),
        ("act", {"agent": 0, "name": 0, "what": "delete", "where": 0, "which": 0}),
        ("send", {"agent": 1}),
        ("work", {"agent": 0, "most": 2}),
    ],
    "removals_come_first": [
        ("begin", {"agents": 2, "alone": False, "tree": True}),
        ("act", {"agent": 1, "name": 0, "what": "move", "where": 0, "which": 3}),
        ("act", {"agent": 1, "name": 0, "what": "delete", "where": 0, "which": 2}),
    ],
    "children_come_before_parents": [
        ("begin", {"alone": False, "agents": 2, "tree": True}),
    ],
    "the_order_is_of_where_things_were": [
        ("begin", {"alone": False, "tree": True, "agents": 2}),
        ("change_places", {"agent": 0, "other": 1, "which": 0}),
    ],
    "folders_go_before_what_is_in_them": [
        ("begin", {"tree": True, "alone": False, "agents": 2}),
        ("act_at_once", {"agent": 0, "which": 0, "acts": [(False, "delete", 0, 0), (True, "make_folder", 1, 1)]}),
    ],
    "removals_are_ordered_by_the_other_side": [
        ("begin", {"tree": True, "alone": False, "agents": 2}),
        ("act_at_once", {"agent": 0, "which": 0, "acts": [(False, "delete", 0, 0), (True, "make_folder", 1, 1)]}),
    ],
    "removals_are_ordered_by_what_was_agreed": [
        ("begin", {"tree": True, "alone": False, "agents": 2}),
        ("act_at_once", {"agent": 0, "which": 2, "acts": [(False, "move", 0, 0), (True, "move", 1, 1)]}),
        ("act_at_once", {"agent": 0, "which": 0, "acts": [(False, "delete", 0, 0), (True, "make_folder", 1, 1)]}),
    ],
}
