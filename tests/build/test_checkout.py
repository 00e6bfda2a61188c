# SPDX-License-Identifier: BSD-2-Clause
"""Verbs that list files by git never work on an empty list without a word."""

import pytest

VERBS = ("format-check", "format", "check", "lint", "check-headers", "check-cppcheck", "check-text",
         "check-includes", "coverage")


@pytest.mark.parametrize("verb", VERBS)
def test_tree_without_git_is_told(tree, verb):
    run = tree.make(verb)
    assert run.returncode != 0
    assert "git lists no files here" in run.stderr and "git init && git add ." in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("verb", ["format-check", "lint"])
def test_tree_that_git_does_not_track_is_told(tree, verb):
    assert tree.run("git", "init", "-q").returncode == 0
    run = tree.make(verb)
    assert run.returncode != 0
    assert "git lists no files here" in run.stderr


def test_remedy_helps(tree):
    assert tree.run("sh", "-c", "git init -q && git add .").returncode == 0
    run = tree.make("format-check")
    assert run.returncode == 0, run.stderr
    assert "check the format of 0 files" not in run.stdout


def test_files_are_listed_anew_where_git_was_installed_by_this_make(tree):
    """Make reads the list before it installs git; then a second make reads it."""
    run = tree.make("-n", "lint", "check-headers")
    assert "make LISTED=1 lint" in run.stdout and "make LISTED=1 check-headers" in run.stdout
