"""Requests: would one be let through, and which rule decides?"""
