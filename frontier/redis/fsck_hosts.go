package redis

import (
	"fmt"

	goredis "github.com/redis/go-redis/v9"
)

// readHosts looks at every host, and at all that is in its line.
func (a *audit) readHosts() error {
	var lent int64
	err := a.s.eachRecord(a.ctx, true, func(p page) (bool, error) {
		for i := range p.hosts {
			r := &p.hosts[i]
			a.checkHost(r, p.now)
			if r.taken != "" {
				lent++
			}
			if r.ready != "" {
				a.ready++
			}
			if r.strangers != "" {
				a.strangers++
			}
		}
		if err := a.s.eachInLine(a.ctx, p.hosts, a.checkElement); err != nil {
			return false, err
		}
		return true, a.settle()
	})
	if err != nil {
		return err
	}
	if err := a.checkIndex("r", a.ready); err != nil {
		return err
	}
	if err := a.checkIndex("rs", a.strangers); err != nil {
		return err
	}
	return a.checkIndex("l", lent)
}

// checkHost compares a host's record with its lists and its place in the indexes.
func (a *audit) checkHost(r *record, now int64) {
	name := string(r.host)
	delayed, dead := a.delayed[name], a.dead[name]
	delete(a.delayed, name)
	delete(a.dead, name)
	fix := func() error { return a.mendHost(r, delayed, dead) }
	if r.broken {
		a.sure(fix, "what is kept of %s cannot be read", r.host)
		return
	}
	if r.lent && r.deadline > now {
		a.held++
	}
	a.sum.Queued += r.inLine() - r.unsettled()
	a.sum.Leased += r.unsettled()
	a.sum.Done += r.done
	if text := oddRecord(r); text != "" {
		a.sure(fix, "%s %s", r.host, text)
	} else if text := oddPlace(r, now); text != "" {
		a.sure(fix, "%s %s", r.host, text)
	}
	if r.delayed != delayed || r.dead != dead {
		a.loose(fix, "%s counts %d URLs delayed and %d dead, and has %d and %d", r.host, r.delayed, r.dead, delayed, dead)
	}
	if r.lent && r.probation == 2 && a.poisoned[r.worker] != name {
		a.loose(fix, "%s has a URL lent that workers died of, and %s is not said to hold it", r.host, r.worker)
	}
}

// oddRecord tells what a record says that cannot be.
func oddRecord(r *record) string {
	if r.line != r.lists {
		return fmt.Sprintf("counts %d URLs in line, by priority, and has %d", r.line, r.lists)
	}
	if n := r.inLine() + r.delayed + r.done + r.dead; n != r.accepted {
		return fmt.Sprintf("counts %d URLs accepted, and has %d", r.accepted, n)
	}
	for k := range r.lends {
		if r.lends[k] > r.line[k] {
			return fmt.Sprintf("counts %d URLs lent, by priority, of %d in line", r.lends, r.line)
		}
	}
	if r.lent && r.unsettled() == 0 {
		return "is lent, and no URL of it is"
	}
	return ""
}

// oddPlace tells why a host is not where it should be: in T:l when it is lent, in T:r or T:rs when it can be.
func oddPlace(r *record, now int64) string {
	places := [...]struct{ line, at string }{
		{"the line of those to be lent", r.ready},
		{"the line of strangers to be lent", r.strangers},
		{"the line of those that are lent", r.taken},
	}
	should := -1
	switch {
	case r.lent:
		should = 2
	case r.inLine() > 0 && r.failures == 1:
		should = 0
	case r.inLine() > 0:
		should = 1
	}
	for i, p := range places {
		if (p.at != "") == (i == should) {
			continue
		}
		if i == should {
			return "is not in " + p.line
		}
		return "is in " + p.line
	}
	switch at := score(r.ready + r.strangers); {
	case r.lent && score(r.taken) > r.deadline:
		return fmt.Sprintf("is lent until %d, and looked after at %d", r.deadline, score(r.taken))
	case !r.lent && should >= 0 && (at < r.next || at > max(r.next, now)):
		return fmt.Sprintf("can be lent from %d on, and is in line for %d", r.next, at)
	}
	return ""
}

// checkElement looks at a URL in line.
func (a *audit) checkElement(r *record, k int, text string) error {
	it, err := decodeElement(r.host, text)
	if err != nil {
		a.sure(a.drop("list", queueKey(r, k), text), "a URL of %s cannot be read: %.200q", r.host, text)
		return nil
	}
	return a.isSeen(it.URL)
}

// checkIndex looks for names in an index that no host has.
func (a *audit) checkIndex(index string, want int64) error {
	key := a.s.keys[0] + index
	n, err := a.s.client.ZCard(a.ctx, key).Result()
	if err != nil {
		return storeError(a.ctx, err)
	}
	if n == want {
		return nil
	}
	for at := int64(0); at < n; at += listPage {
		names, err := a.s.client.ZRange(a.ctx, key, at, at+listPage-1).Result()
		if err != nil {
			return storeError(a.ctx, err)
		}
		if err := a.checkNames(index, names); err != nil {
			return err
		}
	}
	return nil
}

// checkNames looks for hosts. Those of orphans get a record, and then their place in an index, in this repair.
func (a *audit) checkNames(index string, names []string) error {
	there := make([]*goredis.BoolCmd, len(names))
	_, err := a.s.client.Pipelined(a.ctx, func(p goredis.Pipeliner) error {
		for i, name := range names {
			there[i] = p.HExists(a.ctx, a.s.keys[0]+"h", name)
		}
		return nil
	})
	if err != nil {
		return storeError(a.ctx, err)
	}
	for i, name := range names {
		if !there[i].Val() && !a.orphans[name] {
			a.loose(a.drop("zset", index, name), "%.200q is in T:%s, and there is no such host", name, index)
		}
	}
	return nil
}

// readOrphans looks at hosts that have URLs, and no record.
func (a *audit) readOrphans() error {
	names := a.orphans
	for name := range a.delayed {
		names[name] = true
	}
	for name := range a.dead {
		names[name] = true
	}
	for name := range names {
		p, err := a.s.records(a.ctx, "0", true, name)
		if err != nil {
			return err
		}
		r := &p.hosts[0]
		if r.raw != "" {
			continue // it is new
		}
		r.broken = true
		delayed, dead := a.delayed[name], a.dead[name]
		a.loose(func() error { return a.mendHost(r, delayed, dead) }, "%.200q has URLs, and nothing is kept of it", name)
	}
	return nil
}
