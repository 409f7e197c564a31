"""A seeded short-video app: its users, videos and a night's log, in the files a real one would lay.

The same seed, night and recommendations give the same bytes. Nothing is carried from night to night in a file: users and each
day's uploads are drawn from generators seeded by what they are, so any night can be simulated first.
"""
