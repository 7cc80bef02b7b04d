package notify

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/report/text"
)

// request is what is sent for an action. What names something that is not remembered
// cannot be sent: the notice opens its message anew.
func (n *Notifier) request(a Action, m Memory) *RequestTemplate {
	r := n.Requests[a]
	if r == nil && a == Close {
		r = n.Requests[Update]
	}
	if r == nil || slices.ContainsFunc(r.needs(), func(name string) bool { return m[name] == "" }) {
		return &n.Request
	}
	return r
}

// complete fills in what a request leaves out.
func (r *RequestTemplate) complete(base *RequestTemplate) {
	r.URL = cmp.Or(r.URL, base.URL)
	if r.Headers == nil {
		r.Headers = base.Headers
	}
	if r.Sign == nil {
		r.Sign = base.Sign
	}
	if r.Body == nil {
		body := map[string]any{}
		of, _ := base.Body.(map[string]any)
		maps.Copy(body, of)
		maps.Copy(body, r.Add)
		r.Body = body
	}
}

// texts are all texts of a request in which something may stand.
func (r *RequestTemplate) texts() ([]string, error) {
	out := []string{r.URL}
	for _, h := range r.Headers {
		out = append(out, h)
	}
	_, err := fill(r.Body, func(t string) (any, error) {
		out = append(out, t)
		return t, nil
	})
	return out, err
}

// needs are the names of what the request has to remember.
func (r *RequestTemplate) needs() []string {
	all, _ := r.texts() // check has refused what it cannot read
	var out []string
	for _, t := range all {
		for _, found := range slotText.FindAllString(t, -1) {
			e, err := parseSlot(found[2 : len(found)-1])
			for err == nil && e.function != "" {
				e = e.argument
			}
			if err == nil && e.of == "remembered" {
				out = append(out, e.name)
			}
		}
	}
	return out
}

// remembers are the names of what the notifier keeps of answers.
func (n *Notifier) remembers() []string {
	out := slices.Collect(maps.Keys(n.Request.Remember))
	for _, r := range n.Requests {
		out = slices.AppendSeq(out, maps.Keys(r.Remember))
	}
	return out
}

// render makes the request for a notice at a time.
func (n *Notifier) render(settings map[string]Secret, notice Notice, m Memory, at time.Time) (*Rendered, error) {
	r := n.request(notice.Acts(), m)
	s, err := newScope(n, settings, notice, m)
	if err != nil {
		return nil, err
	}
	out := &Rendered{Headers: map[string]string{}}
	if out.URL, err = s.address(r.URL); err != nil {
		return nil, err
	}
	for name, h := range r.Headers {
		v, err := s.put(h)
		if err != nil {
			return nil, err
		}
		value := written(v)
		if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
			return nil, Final(fmt.Errorf("header %s: the notice has characters that a header cannot carry", name))
		}
		out.Headers[name] = value
	}
	body, err := fill(r.Body, s.put)
	if err != nil {
		return nil, err
	}
	if _, left := body.(nothing); left {
		return nil, Final(errors.New("the body of the request comes to nothing"))
	}
	whole, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	whole = text.Inert(whole)
	out.Body = string(whole)
	if sign := r.Sign; sign != nil {
		seconds := strconv.FormatInt(at.Unix(), 10)
		out.Headers[http.CanonicalHeaderKey(sign.Timestamp)] = seconds
		out.Headers[http.CanonicalHeaderKey(sign.Signature)] = sign.Prefix + signature(settings[sign.Secret], seconds, whole)
	}
	return out, nil
}

// address is where the request goes. What a notice or an answer fills in must not lead it
// elsewhere: it may be one segment of the path.
func (s *scope) address(template string) (string, error) {
	whole, err := s.put(template)
	if err != nil {
		return "", err
	}
	out := written(whole)
	if err := checkAddress(out); err != nil {
		return "", err
	}
	base, _, _ := strings.Cut(template, "${segment(")
	begin, err := s.put(base)
	if err != nil {
		return "", err
	}
	want, err := url.Parse(written(begin))
	if err != nil {
		return "", err
	}
	got, err := url.Parse(out)
	if err != nil || got.Host != want.Host || got.Scheme != want.Scheme {
		return "", Final(errors.New("what the notice fills in leads the request to another host"))
	}
	return out, nil
}

// checkURL refuses an address in which a notice or an answer could name the host.
func (n *Notifier) checkURL(template string) error {
	at := -1
	for _, found := range slotText.FindAllStringIndex(template, -1) {
		inner := template[found[0]+2 : found[1]-1]
		if strings.HasPrefix(inner, "settings.") {
			continue
		}
		if !strings.HasPrefix(inner, "segment(") {
			return errors.New("the address of a request has parts of the notice in it; hint: ${segment(notice.thread)}, behind the host")
		}
		if at < 0 {
			at = found[0]
		}
	}
	if at < 0 {
		return nil
	}
	// Behind the host: of https://HOST/ or of a setting, and a slash.
	if before := strings.TrimPrefix(template[:at], "https://"); !strings.Contains(before, "/") {
		return errors.New("the address of a request has a part of the notice before its first slash")
	}
	return nil
}

func signature(secret Secret, timestamp string, body []byte) string {
	m := hmac.New(sha256.New, []byte(secret.text))
	fmt.Fprintf(m, "%s.%s", timestamp, body) // a hash takes every write
	return hex.EncodeToString(m.Sum(nil))
}

const deepestBody = 20

// fill copies a value of YAML and puts in what its texts stand for. A member or an element
// that is one slot, and comes to nothing, is left out; so is a map with a member "if" that
// comes to nothing.
func fill(v any, put func(string) (any, error)) (any, error) { return fillAt(v, put, 0) }

// nothing stands for what is left out.
type nothing struct{}

func fillAt(v any, put func(string) (any, error), depth int) (any, error) {
	if depth > deepestBody {
		return nil, fmt.Errorf("request: a body of more than %d levels", deepestBody)
	}
	switch v := v.(type) {
	case string:
		out, err := put(v)
		if out == "" && v != "" && slotText.FindString(v) == v {
			return nothing{}, err
		}
		return out, err
	case map[string]any:
		return fillMap(v, put, depth)
	case []any:
		out := []any{}
		for _, member := range v {
			filled, err := fillAt(member, put, depth+1)
			if err != nil {
				return nil, err
			}
			if _, left := filled.(nothing); !left {
				out = append(out, filled)
			}
		}
		return out, nil
	case bool, nil, int, int64, uint64, float64:
		return v, nil
	}
	return nil, fmt.Errorf("request: a %T in the body, want texts, numbers, lists and maps", v)
}

const onlyIf = "if"

func fillMap(v map[string]any, put func(string) (any, error), depth int) (any, error) {
	out := map[string]any{}
	for name, member := range v {
		filled, err := fillAt(member, put, depth+1)
		if err != nil {
			return nil, err
		}
		_, left := filled.(nothing)
		switch {
		case left && name == onlyIf:
			return nothing{}, nil
		case !left && name != onlyIf:
			out[name] = filled
		}
	}
	return out, nil
}

// Memory is what was kept of an answer, to find its message again: texts of others.
type Memory map[string]string

const mostRemembered = 500 // bytes of one value

var answerSlot = regexp.MustCompile(`^\$\{answer\.([A-Za-z0-9_.-]{1,100})\}$`)

// learn reads what a request remembers out of an answer. What is not there, or is not
// plain, is not kept.
func (r *RequestTemplate) learn(answer any) Memory {
	out := Memory{}
	for name, from := range r.Remember {
		v, ok := member(answer, answerSlot.FindStringSubmatch(from)[1])
		value := written(v)
		switch v.(type) {
		case string, float64:
		default:
			ok = false
		}
		if ok && value != "" && len(value) <= mostRemembered && !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
			out[name] = value
		}
	}
	return out
}

// member finds a member of JSON by a path such as errors.0.code.
func member(v any, path string) (any, bool) {
	for name := range strings.SplitSeq(path, ".") {
		switch in := v.(type) {
		case map[string]any:
			next, ok := in[name]
			if !ok {
				return nil, false
			}
			v = next
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(in) {
				return nil, false
			}
			v = in[i]
		default:
			return nil, false
		}
	}
	return v, true
}

// lacks says what of an answer is not as success looks, "" if nothing is. Retry says
// whether another attempt may go better.
func (n *Notifier) lacks(status int, body []byte) (lack string, again bool) {
	fine := status/100 == 2
	if len(n.Success.Status) > 0 {
		fine = slices.Contains(n.Success.Status, status)
	}
	if !fine {
		return "status", slices.Contains(n.Retry.On, status)
	}
	if n.Success.Text != "" && strings.TrimSpace(string(body)) != n.Success.Text {
		return "text", false
	}
	if len(n.Success.Answer) == 0 {
		return "", false
	}
	var answer any
	if json.Unmarshal(body, &answer) != nil {
		return "no JSON", false
	}
	for _, path := range slices.Sorted(maps.Keys(n.Success.Answer)) {
		got, ok := member(answer, path)
		if ok && same(got, n.Success.Answer[path]) {
			continue
		}
		for when, values := range n.Retry.Answers {
			said, _ := member(answer, when)
			again = again || slices.ContainsFunc(values, func(v any) bool { return same(said, v) })
		}
		return path, again
	}
	return "", false
}

// same compares a value of JSON with one of YAML.
func same(got, want any) bool {
	if g, ok := got.(float64); ok {
		w, err := strconv.ParseFloat(written(want), 64)
		_, isText := want.(string)
		return err == nil && !isText && g == w
	}
	return cmp.Compare(fmt.Sprintf("%T %v", got, got), fmt.Sprintf("%T %v", want, want)) == 0
}
