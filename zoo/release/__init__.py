"""Releases: annotated models as plain files that can be checked again.

    build      a model and its audit -> the files of a release, as bytes
    shelf      a folder of releases: add one, list them, find one by name
    check      a release -> whether its files, and every figure, are what they say

A release is a saved model (`compiler/save.py`) with more files beside it, so whatever
loads a saved model loads a release.
"""
