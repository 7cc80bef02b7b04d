package main

import "time"

// appendObject writes the inflated content of a log file. What it draws depends
// on the seed and the object's number alone, so objects may be written in any
// order and by several goroutines.
func appendObject(dst []byte, b *book, o options, obj *object) []byte {
	dst = append(dst, `{"Records":[`...)
	for i, st := range obj.story {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = st.appendTo(dst, obj, newDice(o.seed, hash(3, uint64(obj.number), uint64(i))))
	}
	d := newDice(o.seed, hash(2, uint64(obj.number)))
	s := &scene{dice: d, place: obj.place, things: map[string]string{}}
	var c *call
	for i := range obj.events {
		if i > 0 {
			dst = append(dst, ',')
		}
		s.at = when(d, obj, i)
		if c == nil || !d.percent(o.bursts) {
			c = b.next(s, obj, i)
		}
		clear(s.things)
		dst = appendRecord(dst, s, c, outcomeOf(s, c))
	}
	return append(dst, `]}`...)
}

// when is the time of event i: in order but for some seconds, as delivered.
func when(d dice, obj *object, i int) time.Time {
	span := obj.end.Sub(obj.start)
	at := span*time.Duration(i)/time.Duration(obj.events) + time.Duration(d.IntN(20)-10)*time.Second
	return obj.start.Add(min(max(at, 0), span)).Truncate(time.Second)
}

// next draws a new call and its caller.
func (b *book) next(s *scene, obj *object, i int) *call {
	from := &b.regional
	if obj.place.region.name == "us-east-1" {
		from = &b.central
	}
	c := from.draw(s.dice)
	if obj.heard && i == 0 {
		c = b.heartbeat
	}
	for !obj.place.steady && c == b.heartbeat { // nothing runs there
		c = from.draw(s.dice)
	}
	draw := c.by[s.dice.IntN(len(c.by))]
	who := draw(callerDraw{dice: s.dice, place: obj.place, at: s.at, call: c})
	s.caller = &who
	return c
}
