package cloudtrail

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

const (
	maxStrings  = 3 // how deep JSON inside JSON strings is followed
	maxWrappers = 4 // how many envelopes may be around a record
)

// parser finds the records in a window. Its methods return nil, a *fault, or
// the error that stopped the reading from outside.
type parser struct {
	r        *Reader
	w        *window
	strings  int // strings around this window
	wrappers int // envelopes around the current value
	values   int // values met at the top
}

// file reads a whole object and reports what is wrong with it.
func (p *parser) file() {
	err := p.sequence()
	if err == nil && p.values == 0 {
		err = &fault{kind: Empty, detail: "no data in it"}
	}
	p.settle(err)
}

// settle takes note of what ended a stretch of reading: a fault is reported, any
// other error is for the caller of Read.
func (p *parser) settle(err error) {
	if f, ok := err.(*fault); ok {
		p.r.stats.report(f.in(p.r.source.in.Name))
	} else if err != nil {
		p.r.stats.Err = err
	}
}

// sequence reads one JSON value after another to the end of the stream.
func (p *parser) sequence() error {
	if err := p.w.more(); err != nil && err != io.EOF {
		return err
	}
	if bytes.HasPrefix(p.w.buf[p.w.pos:p.w.end], []byte("\xef\xbb\xbf")) {
		p.w.pos += 3
	}
	for {
		c, err := p.peek()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			p.values++
			err = p.topValue(c)
		}
		if f, ok := err.(*fault); ok && !f.final {
			p.settle(f)
			err = p.resume()
		}
		if err != nil {
			return err
		}
	}
}

// topValue reads a value that nothing encloses.
func (p *parser) topValue(c byte) error {
	switch c {
	case '{':
		if p.values > 1 && p.r.stats.Container == Single {
			p.r.stats.Container = Lines
		}
		return p.object()
	case '[':
		p.found(Array)
		return p.array(anything)
	}
	rest := p.w.buf[p.w.pos:min(p.w.pos+16, p.w.end)]
	f := p.fault(p.w.pos, NotJSON, fmt.Sprintf("found %q; expected a line that starts a JSON object", rest))
	if p.values == 1 && (bytes.HasPrefix(rest, []byte("\xff\xfe")) || bytes.HasPrefix(rest, []byte("\xfe\xff"))) {
		f.detail = "the text is UTF-16, as Windows PowerShell writes it; hint: make it UTF-8, as iconv -f UTF-16 -t UTF-8 does"
	}
	switch p.r.stats.Container {
	case Lines, Single, EventBridge, Logstash:
	case Unknown:
		f.kind, f.final = NotALog, len(p.r.stats.Problems) == 0
	default:
		f.kind, f.final = TrailingData, true
	}
	return f
}

// resume goes on behind a broken value: on the next line that starts with a
// bracket. A line without its end swallows the start of the next before it shows,
// so the search starts where the value did, if that is still in memory.
func (p *parser) resume() error {
	w := p.w
	if w.keep >= 0 {
		w.pos = w.keep
	}
	w.keep = -1
	for {
		if n := bytes.IndexByte(w.buf[w.pos:w.end], '\n'); n < 0 {
			w.pos = w.end
		} else {
			w.pos += n + 1
			if c := w.buf[w.pos]; c == '{' || c == '[' {
				return nil
			}
			if w.pos < w.end {
				continue
			}
			w.pos-- // so that the line is seen to start after the refill
		}
		if err := w.more(); err == io.EOF {
			w.pos = w.end
			return nil
		} else if err != nil {
			return err
		}
	}
}

// elements says what an array holds.
type elements uint8

const (
	anything    elements = iota // objects to look into
	onlyRecords                 // the array of {"Records":[...]}
)

// array reads the array at the window's position. After a broken element nothing
// tells where the next one starts, so it ends the object.
func (p *parser) array(of elements) error {
	err := p.arrayElements(of)
	if f, ok := err.(*fault); ok {
		if f.final = true; f.kind == NotJSON {
			f.detail += "; the rest of the array is not read"
		}
	}
	return err
}

func (p *parser) arrayElements(of elements) error {
	p.w.pos++
	c, err := p.peek()
	if err == nil && c == ']' {
		p.w.pos++
		return nil
	}
	for err == nil {
		if err := p.arrayElement(c, of); err != nil {
			return err
		}
		if c, err = p.peek(); err != nil {
			break
		}
		p.w.pos++
		if c == ']' {
			return nil
		}
		if c != ',' {
			return p.malformed(p.w.pos-1, fmt.Sprintf("found %q; expected a comma or the end of the array", c))
		}
		c, err = p.peek()
	}
	return p.cut(err, "the rest of an array of records")
}

func (p *parser) arrayElement(c byte, of elements) error {
	switch {
	case c == '{' && of == onlyRecords:
		return p.record()
	case c == '{':
		return p.object()
	case strings.IndexByte(`,]}`, c) >= 0:
		return p.malformed(p.w.pos, fmt.Sprintf("found %q; expected a record, which is an object", c))
	case c == 'n' || of == onlyRecords || p.r.stats.Records > 0:
		p.settle(p.fault(p.w.pos, NotALog, fmt.Sprintf("found %q; expected a record, which is an object; it was skipped", c)))
		p.w.keep = -1
		return p.skipValue()
	}
	return p.fault(p.w.pos, NotALog, fmt.Sprintf("found an array whose element starts with %q; expected records", c))
}

// record scans the record at the window's position and delivers it.
func (p *parser) record() error {
	w := p.w
	w.keep = w.pos
	for {
		next, verdict := p.r.scan.record(w.data(), w.pos, w.end)
		switch verdict {
		case complete:
			if next-w.pos > p.r.options.MaxRecord {
				return p.oversized()
			}
			return p.deliver(next)
		case wrong:
			return p.malformed(next, p.r.scan.complaint)
		case deep:
			p.settle(p.fault(w.pos, TooDeep, fmt.Sprintf("record nested deeper than %d levels; it was skipped", MaxDepth)))
			w.keep = -1
			return p.skipValue()
		}
		if err := w.more(); err == errTooLarge {
			return p.oversized()
		} else if err != nil {
			return p.cut(err, "the rest of a record")
		}
	}
}

// deliver hands the record that ends at next to the caller.
func (p *parser) deliver(next int) error {
	w, stats, record := p.w, p.r.stats, &p.r.record
	record.Raw = w.buf[w.pos:next:next]
	if len(p.r.scan.texts) > 0 {
		var lost string
		if record.Raw, lost = p.r.unfold(w.data(), w.pos, next); lost != "" {
			p.settle(p.fault(w.pos, NotAnObject, lost+": text that begins like a JSON object and is none; rules see nothing of what is in it"))
		}
	}
	record.Offset = w.offset(w.pos)
	record.Identity = p.r.scan.identity
	if stats.Records == 0 && stats.Container == Records && bytes.Contains(record.Raw, []byte(`"insightDetails"`)) {
		stats.Container = Insight
	}
	stats.Records++
	w.pos = next
	w.keep = -1
	return p.r.each(record)
}

// oversized skips the record at the window's position.
func (p *parser) oversized() error {
	p.settle(p.fault(p.w.pos, OversizedRecord, p.tooLarge()))
	p.w.keep = -1
	return p.skipValue()
}

func (p *parser) tooLarge() string {
	return fmt.Sprintf("record larger than %d bytes; it was skipped", p.r.options.MaxRecord)
}

// peek returns the next byte that is not white space, without moving behind it.
func (p *parser) peek() (byte, error) {
	w := p.w
	for {
		w.pos = skipSpace(w.buf, w.pos)
		if w.pos < w.end {
			return w.buf[w.pos], nil
		}
		if err := p.moreAtAnyCost(); err != nil {
			return 0, err
		}
	}
}

// moreAtAnyCost refills the window and gives up the bytes to keep should they
// have grown too large.
func (p *parser) moreAtAnyCost() error {
	err := p.w.more()
	if err == errTooLarge {
		p.w.keep = -1
		err = p.w.more()
	}
	return err
}

// found notes the container, which is that of the outermost wrapping.
func (p *parser) found(c Container) {
	if p.r.stats.Container == Unknown {
		p.r.stats.Container = c
	}
}

// fault is about the byte at index i of the window.
func (p *parser) fault(i int, kind ProblemKind, detail string) *fault {
	return &fault{kind: kind, offset: p.w.offset(i), detail: detail}
}

func (p *parser) malformed(i int, detail string) *fault {
	return p.fault(i, NotJSON, detail)
}

// cut turns the end of the stream, where something was still expected, into a
// fault. Other errors speak for themselves.
func (p *parser) cut(err error, expected string) error {
	if err != io.EOF {
		return err
	}
	f := p.fault(p.w.end, Truncated, "the data ends; expected "+expected)
	f.final = true
	return f
}

// One scans one record's JSON, as the Raw of an earlier Record. It is valid until
// the next call of One or Read.
func (r *Reader) One(raw []byte) (*Record, error) {
	b := append(append(make([]byte, 0, len(raw)+pad), raw...), make([]byte, pad)...)
	next, verdict := r.scan.record(b, 0, len(raw))
	if verdict != complete {
		return nil, fmt.Errorf("at byte %d: not one JSON record", next)
	}
	r.record.Raw = b[:next]
	if len(r.scan.texts) > 0 {
		r.record.Raw, _ = r.unfold(b, 0, next) // Read has reported what is lost
	}
	r.record.Offset, r.record.Identity = 0, r.scan.identity
	return &r.record, nil
}
