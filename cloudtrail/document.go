package cloudtrail

import "strings"

// documentOf is the name of a field that is an object in CloudTrail's records and text in
// tables of them (Athena User Guide, "Create a table for CloudTrail logs"), "" for any other.
func documentOf(name []byte) string {
	switch n := string(name); n {
	case "userIdentity", "requestParameters", "responseElements", "additionalEventData", "serviceEventDetails":
		return n
	}
	return ""
}

// literal is a string, with its quotes, where a record has an object.
type literal struct {
	document string
	from, to int // in the bytes that were scanned
}

// unfold puts objects in the place of the texts that hold them in the record b[from:to],
// which was just scanned, and scans what comes of it. Its second result names the
// documents whose text begins like an object and is none.
func (r *Reader) unfold(b []byte, from, to int) (raw []byte, lost string) {
	var odd []string
	out, at, objects := r.unfolded[:0], from, 0
	for _, t := range r.scan.texts {
		out = append(out, b[at:t.from]...)
		at = t.to
		if whole, begun := appendObject(out, b[t.from+1:t.to-1]); whole != nil {
			out, objects = whole, objects+1
			continue
		} else if begun {
			odd = append(odd, t.document)
		}
		out = append(out, b[t.from:t.to]...)
	}
	out = append(out, b[at:to]...)
	size := len(out)
	out = append(out, make([]byte, pad)...)
	r.unfolded = out
	if objects > 0 {
		if next, verdict := r.scan.record(out, 0, size); verdict == complete && next == size {
			return out[:size:size], strings.Join(odd, ", ")
		}
		r.scan.record(b, from, to) // which was complete before
		odd = append(odd, "what is in it")
	}
	return b[from:to:to], strings.Join(odd, ", ")
}

// appendObject appends the object that the inside of a string holds; nil if it is not one
// object and nothing else, and then whether it begins like one.
func appendObject(out, inside []byte) (whole []byte, begun bool) {
	start := len(out)
	out, decoded := unescape(out, inside)
	size := len(out)
	out = append(out, make([]byte, pad)...)
	i := skipSpace(out, start)
	if out[i] != '{' {
		return nil, false
	}
	end := skipObject(out, i, MaxDepth-1)
	if !decoded || end < 0 || skipSpace(out, end) != size {
		return nil, true
	}
	return out[:size], true
}
