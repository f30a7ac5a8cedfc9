"""What the people concerned read: the texts, and what they are checked for before anybody approves them.

Pure: nothing here is stored, and nothing is sent. A communication is made of parts in one language:

- `catalog`   the texts by kind of breach and language, data under templates/communications/
- `drafts`    what is known of a breach, as the parts of a communication
- `parts`     what GDPR art. 34(2) asks of them, and what stands in the way of an approval
- `measures`  whether the people are told the same measures as the authority
- `reading`   how hard a text is to read; `jargon` which words can be said more plainly
- `segments`  how many text messages a text takes, and because of which sign
- `words`     what all these look for, by language: data in word_lists/
"""
