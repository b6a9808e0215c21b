"""Letters: mails to one person about something they asked for. The function that mails failures sends them, too."""
