"""Readers of public data sets as their publishers lay them out, and of a plain folder for a clinic's own.

Each reader takes the folder a person unpacked and gives labelled stills or recordings. What is missing stops it with
one sentence. Nothing is copied, downloaded or changed.
"""
