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

	"github.com/rootkeep/rootkeep/internal/notify/form"
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

// texts are all texts of a request in which something may stand; ofItems those that are there
// for each item of a digest.
func (r *RequestTemplate) texts() (out, ofItems []string, err error) {
	out = []string{r.URL}
	for _, h := range r.Headers {
		out = append(out, h)
	}
	note := func(to *[]string) form.Putting {
		return func(t string) (any, error) {
			*to = append(*to, t)
			return t, nil
		}
	}
	_, err = form.Filling{Put: note(&out), Items: []form.Putting{note(&ofItems)}}.Fill(r.Body)
	return out, ofItems, err
}

// needs are the names of what the request has to remember.
func (r *RequestTemplate) needs() []string {
	all, ofItems, _ := r.texts() // check has refused what it cannot read
	var out []string
	for _, t := range append(all, ofItems...) {
		for _, found := range form.Slots(t) {
			if e, err := form.Parse(found); err == nil && e.Innermost().Of == "remembered" {
				out = append(out, e.Innermost().Name)
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
		value := form.Written(v)
		if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
			return nil, Final(fmt.Errorf("header %s: the notice has characters that a header cannot carry", name))
		}
		out.Headers[name] = value
	}
	body, err := s.filling().Fill(r.Body)
	if err != nil {
		return nil, err
	}
	if body == nil {
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
	out := form.Written(whole)
	if err := checkAddress(out); err != nil {
		return "", err
	}
	base, _, _ := strings.Cut(template, "${segment(")
	begin, err := s.put(base)
	if err != nil {
		return "", err
	}
	want, err := url.Parse(form.Written(begin))
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
	for _, found := range form.SlotIndex(template) {
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

// Memory is what was kept of an answer, to find its message again: texts of others.
type Memory map[string]string

const mostRemembered = 500 // bytes of one value

var answerSlot = regexp.MustCompile(`^\$\{answer\.([A-Za-z0-9_.-]{1,100})\}$`)

// learn reads what a request remembers out of an answer. What is not there, or is not
// plain, is not kept.
func (r *RequestTemplate) learn(answer any) Memory {
	out := Memory{}
	for name, from := range r.Remember {
		v, ok := form.Member(answer, answerSlot.FindStringSubmatch(from)[1])
		value := form.Written(v)
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

// lacks says what of an answer is not as success looks, "" if nothing is. Retry says
// whether another attempt may go better.
func (s *Success) lacks(r *Retry, status int, body []byte) (lack string, again bool) {
	fine := status/100 == 2
	if len(s.Status) > 0 {
		fine = slices.Contains(s.Status, status)
	}
	if !fine {
		return "status", slices.Contains(r.On, status)
	}
	if s.Text != "" && strings.TrimSpace(string(body)) != s.Text {
		return "text", false
	}
	for _, no := range s.Without {
		if has(body, no) {
			return "it says " + no, slices.ContainsFunc(r.Texts, func(t string) bool { return has(body, t) })
		}
	}
	return s.lacksAnswer(r, body)
}

// has says whether an answer has a text, in whatever case.
func has(body []byte, text string) bool {
	return strings.Contains(strings.ToLower(string(body)), strings.ToLower(text))
}

// lacksAnswer is lacks for the JSON of an answer.
func (s *Success) lacksAnswer(r *Retry, body []byte) (lack string, again bool) {
	if len(s.Answer)+len(s.Has) == 0 {
		return "", false
	}
	var answer any
	if json.Unmarshal(body, &answer) != nil {
		return "no JSON", false
	}
	for _, path := range s.Has {
		if got, _ := form.Member(answer, path); form.Written(got) == "" {
			return path, false
		}
	}
	for _, path := range slices.Sorted(maps.Keys(s.Answer)) {
		got, ok := form.Member(answer, path)
		if ok && form.Same(got, s.Answer[path]) {
			continue
		}
		return path, answers(r.Answers, body)
	}
	return "", false
}

// answers says whether the JSON of an answer has one of the values at a path.
func answers(values map[string][]any, body []byte) bool {
	var answer any
	if len(values) == 0 || json.Unmarshal(body, &answer) != nil {
		return false
	}
	for path, of := range values {
		said, ok := form.Member(answer, path)
		if ok && slices.ContainsFunc(of, func(v any) bool { return form.Same(said, v) }) {
			return true
		}
	}
	return false
}
