"""How tenants share a queue, said once more and without Redis: who is claimed next, by start tags of each tenant and priority."""


class Shares:
    """A queue; members are compared as the store compares them where two stand at one tag."""

    def __init__(self):
        self.waiting = {}
        """Member → (priority, tenant, tag, aged): the last is the moment of what has no tag."""
        self.ahead = {}
        """(priority, tenant) → its next tag; the tenant '' is all that has no tag."""
        self.first, self.several = None, False

    def is_shared(self, tenant):
        """Say whether a run that a tenant starts now has tags: another tenant started one before."""
        self.first = self.first or tenant
        self.several = self.several or tenant != self.first
        return self.several

    def lowest(self, priority):
        tags = [tag for its, _, tag, _ in self.waiting.values() if its == priority and tag is not None]
        return min(tags, default=None)

    def ready(self, member, priority, tenant, shared, moment):
        lowest = self.lowest(priority)
        if not shared:
            self.waiting[member] = (priority, "", None, moment)
            return
        if lowest is None:
            self.ahead = {key: tag for key, tag in self.ahead.items() if key[0] != priority}
        tag = max(lowest or 0, self.ahead.get((priority, tenant), 0))
        self.ahead[priority, tenant] = tag + 1
        self.waiting[member] = (priority, tenant, tag, None)

    def back(self, member, priority, tenant, shared, moment):
        """Hand a claim back."""
        if shared:
            if self.lowest(priority) is None:
                self.ahead = {key: tag for key, tag in self.ahead.items() if key[0] != priority}
            self.waiting[member] = (priority, tenant, self.lowest(priority) or 0, None)
        else:
            self.waiting[member] = (priority, "", None, moment)

    def gone(self, member):
        self.waiting.pop(member, None)

    def claim(self):
        """Take out who is next; None where nobody waits."""
        if not self.waiting:
            return None
        priority = max(its for its, *_ in self.waiting.values())
        here = {member: entry for member, entry in self.waiting.items() if entry[0] == priority}
        aged = sorted((moment, member) for member, (_, _, tag, moment) in here.items() if tag is None)
        tagged = sorted((tag, member) for member, (_, _, tag, _) in here.items() if tag is not None)
        if aged and (not tagged or self.ahead.get((priority, ""), 0) <= tagged[0][0]):
            if tagged:
                self.ahead[priority, ""] = tagged[0][0] + 1
            chosen = aged[0][1]
        else:
            chosen = tagged[0][1]
        del self.waiting[chosen]
        return chosen
