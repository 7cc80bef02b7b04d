package cloudtrail

import (
	"encoding/json"
	"fmt"
)

// role is what a key of an object outside records tells about the object.
type role uint8

const (
	noRole      role = iota
	ofRecord         // the object is a record
	recordArray      // an array of records
	eventArray       // LookupEvents' array
	logArray         // the array of a CloudWatch Logs export
	eventText        // a record in a string, within LookupEvents' array
	messageText      // a record, usually in a string: CloudWatch Logs, Logstash
	detail           // the payload of an EventBridge event
	ofDigest         // the object is a digest file, or the keys that verify one
)

// roleOf recognises a key. The keys of a record are those that no envelope has.
func roleOf(key []byte) role {
	switch string(key) {
	case "eventVersion", "eventID", "eventName", "eventSource", "eventTime", "eventType", "eventCategory",
		"userIdentity", "awsRegion", "sourceIPAddress", "userAgent", "requestParameters", "responseElements",
		"additionalEventData", "recipientAccountId", "requestID", "errorCode", "errorMessage", "tlsDetails",
		"insightDetails", "managementEvent", "readOnly", "sharedEventID", "serviceEventDetails", "vpcEndpointId":
		return ofRecord
	case "Records":
		return recordArray
	case "Events":
		return eventArray
	case "logEvents", "events":
		return logArray
	case "CloudTrailEvent":
		return eventText
	case "message":
		return messageText
	case "detail":
		return detail
	case "digestS3Object", "digestStartTime", "digestPublicKeyFingerprint", "PublicKeyList":
		return ofDigest
	}
	return noRole
}

// object looks into the object at the window's position: it may be a record or
// something that records are wrapped in.
func (p *parser) object() error {
	w := p.w
	w.keep = w.pos // should it turn out to be a record
	start := w.offset(w.pos)
	w.pos++
	recognised := false
	for first := true; ; first = false {
		r, c, err := p.member(first)
		if err != nil {
			return err
		}
		if c == '}' {
			break
		}
		if r == ofRecord && !recognised {
			return p.bareRecord(start)
		}
		ours, err := p.follow(r, c)
		if err != nil {
			return err
		}
		recognised = recognised || ours
	}
	w.keep = -1
	if !recognised {
		p.settle(&fault{kind: NotALog, offset: start, detail: "a JSON object without a key of CloudTrail records or of what they come in"})
	}
	return nil
}

// member reads to the next value of the object: the role of its key and its
// first byte, which is '}' at the end of the object.
func (p *parser) member(first bool) (role, byte, error) {
	const expected = "the rest of an object"
	c, err := p.peek()
	if err == nil && c == ',' && !first {
		p.w.pos++
		if c, err = p.peek(); c == '}' {
			c = ','
		}
	} else if err == nil && c != '}' && !first {
		return noRole, 0, p.malformed(p.w.pos, fmt.Sprintf("found %q; expected a comma or the end of the object", c))
	}
	switch {
	case err != nil:
		return noRole, 0, p.cut(err, expected)
	case c == '}':
		p.w.pos++
		return noRole, c, nil
	case c != '"':
		return noRole, 0, p.malformed(p.w.pos, fmt.Sprintf("found %q; expected a key in quotes", c))
	}
	raw, err := p.text()
	if err == errTooLarge {
		err = &fault{kind: OversizedRecord, offset: p.w.offset(p.w.pos), detail: "a key larger than any record", final: true}
	}
	if err != nil {
		return noRole, 0, err
	}
	p.r.key, _ = unescape(p.r.key[:0], raw)
	r := roleOf(p.r.key)
	if c, err = p.peek(); err == nil && c != ':' {
		return noRole, 0, p.malformed(p.w.pos, fmt.Sprintf("found %q; expected a colon after the key", c))
	}
	if err == nil {
		p.w.pos++
		c, err = p.peek()
	}
	if err == nil && (c == '}' || c == ',' || c == ']') {
		return noRole, 0, p.malformed(p.w.pos, fmt.Sprintf("found %q; expected a value", c))
	}
	return r, c, p.cut(err, expected)
}

// bareRecord goes back to the start of the object and reads it as a record. If
// the start is no longer in memory, it skips the rest of it.
func (p *parser) bareRecord(start int64) error {
	p.found(Single)
	if p.w.keep < 0 {
		p.settle(&fault{kind: OversizedRecord, offset: start, detail: p.tooLarge()})
		return p.skim(&skimmer{depth: 1})
	}
	p.w.pos = p.w.keep
	return p.record()
}

// container is what a value under such a key says about the whole.
func (r role) container() Container {
	switch r {
	case recordArray:
		return Records
	case eventArray, eventText:
		return LookupEvents
	case logArray:
		return CloudWatchLogs
	case detail:
		return EventBridge
	case messageText:
		return Logstash
	case ofDigest:
		return Digest
	}
	return Unknown
}

// follow reads a value that may hold records, or skips it. It says whether the
// key and the value are such as CloudTrail comes in.
func (p *parser) follow(r role, c byte) (bool, error) {
	switch {
	case c == '[' && (r == recordArray || r == eventArray || r == logArray):
		p.found(r.container())
		p.w.keep = -1
		of := anything
		if r == recordArray {
			of = onlyRecords
		}
		return true, p.array(of)
	case c == '{' && (r == detail || r == messageText) && p.wrappers < maxWrappers:
		p.found(r.container())
		p.wrappers++
		err := p.object()
		p.wrappers--
		return true, err
	case c == '"' && (r == eventText || r == messageText) && p.strings < maxStrings:
		return p.inString(r.container())
	case r == ofDigest:
		p.found(Digest)
		return true, p.skipValue()
	}
	return false, p.skipValue()
}

// inString reads the JSON in the string at the window's position, if it is any.
func (p *parser) inString(container Container) (bool, error) {
	w := p.w
	w.keep = -1
	offset := w.offset(w.pos)
	raw, err := p.text()
	if err == errTooLarge {
		return true, p.oversized()
	}
	if err != nil {
		return false, err
	}
	inner := p.r.innerWindow(p.strings)
	text := unquote(inner.buf[:0], raw)
	inner.hold(text, offset)
	if c := text[skipSpace(inner.buf, 0):]; len(c) == 0 || c[0] != '{' {
		return false, nil
	}
	p.found(container)
	q := parser{r: p.r, w: inner, strings: p.strings + 1}
	err = q.sequence()
	if f, ok := err.(*fault); ok {
		p.settle(f)
		err = nil
	}
	return true, err
}

// innerWindow is the window for text that has n strings around it already.
func (r *Reader) innerWindow(n int) *window {
	for len(r.inner) <= n {
		r.inner = append(r.inner, &window{})
	}
	return r.inner[n]
}

// unquote appends the decoded form of the inside of a string to dst.
func unquote(dst, raw []byte) []byte {
	if text, ok := unescape(dst, raw); ok {
		return text
	}
	// Half a surrogate pair: encoding/json knows what others make of it.
	var text string
	if err := json.Unmarshal(append(append([]byte{'"'}, raw...), '"'), &text); err != nil {
		return dst
	}
	return append(dst, text...)
}

// text moves behind the string at the window's position and returns its inside,
// undecoded, valid until the window moves.
func (p *parser) text() ([]byte, error) {
	w := p.w
	for {
		next := skipString(w.data(), w.pos)
		if next > 0 {
			s := w.buf[w.pos+1 : next-1]
			w.pos = next
			return s, nil
		}
		if ^next < w.end {
			return nil, p.malformed(^next, fmt.Sprintf("found %q; expected the rest of a string", w.buf[^next]))
		}
		if err := p.moreAtAnyCost(); err != nil {
			return nil, p.cut(err, "the rest of a string")
		}
	}
}
