package notify

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rootkeep/rootkeep/internal/notify/anew"
	"github.com/rootkeep/rootkeep/internal/notify/safe"
)

const (
	timeout   = 20 * time.Second // of one attempt
	mostBody  = 64 << 10         // bytes of an answer that are read
	mostShown = 300              // characters of an answer that are told
)

// Post is a way: a notifier with its settings.
type Post struct {
	name     string
	notifier *Notifier
	settings map[string]Secret
	also     Success // what of this way success looks like, beside what the notifier says
	client   *http.Client
	hide     *strings.Replacer // what of the settings is not told
	now      func() time.Time
}

// NewPost makes the way. roots are whose certificates are trusted, nil for the system's.
func NewPost(name string, n *Notifier, settings map[string]Secret, roots *x509.CertPool, now func() time.Time) (*Post, error) {
	if n == nil || now == nil {
		return nil, errors.New("notify: notifier and clock are required")
	}
	settings = maps.Collect(maps.All(settings))
	if err := n.CheckSettings(settings); err != nil {
		return nil, err
	}
	var secrets []string
	for name, value := range settings {
		if n.Settings[name].Type != textSetting {
			secrets = append(secrets, value.text)
		}
	}
	d := &net.Dialer{Timeout: timeout, Control: reachable}
	return &Post{name, n, settings, Success{}, &http.Client{
		Timeout: timeout,
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: d.DialContext, TLSHandshakeTimeout: timeout, ResponseHeaderTimeout: timeout,
			MaxResponseHeaderBytes: mostBody, DisableCompression: true, MaxIdleConns: 4, IdleConnTimeout: time.Minute,
			TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
		},
		// A redirect would take the notice to where nobody configured it to go.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, safe.Hider(secrets...), now}, nil
}

// cloudLocal are addresses at which a machine of AWS finds its metadata service and
// credentials by IPv6.
var cloudLocal = netip.MustParsePrefix("fd00:ec2::/32")

// reachable refuses addresses that are no receiver's: those of a machine's own network,
// such as the metadata service of a cloud, whatever name led there.
func reachable(_, address string, _ syscall.RawConn) error {
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if ip := a.Addr().Unmap(); ip.IsLinkLocalUnicast() || cloudLocal.Contains(ip) || ip.IsMulticast() || ip.IsUnspecified() {
		return Final(fmt.Errorf("%s is an address of the machine's own network, and takes no notices", ip))
	}
	return nil
}

// Demand has an answer count as success only if it looks like this as well as the notifier
// says.
func (p *Post) Demand(s Success) error {
	for _, status := range s.Status {
		if status < 200 || status > 299 {
			return fmt.Errorf("success: status %d, want 200 to 299: others take nothing", status)
		}
	}
	p.also = s
	return nil
}

// Name is that of the configuration.
func (p *Post) Name() string { return p.name }

// Attempts is how often a notice is tried.
func (p *Post) Attempts() int { return p.notifier.Retry.Attempts }

// Kind is the notifier's ID.
func (p *Post) Kind() string { return p.notifier.ID }

// Joins says whether the receiver keeps one message for a thread.
func (p *Post) Joins() bool { return p.notifier.Joins }

// Singly says whether the receiver gets each alert by itself.
func (p *Post) Singly() bool { return p.notifier.Each }

// Target is the host that notices go to: of the address, the rest may be a secret.
func (p *Post) Target() string {
	r, err := p.notifier.render(p.settings, Notice{}, nil, time.Unix(0, 0))
	if err != nil {
		return p.notifier.ID
	}
	u, err := url.Parse(r.URL)
	if err != nil {
		return p.notifier.ID
	}
	return u.Scheme + "://" + u.Host
}

// Send makes the request once, for a message of its own.
func (p *Post) Send(ctx context.Context, n Notice) (string, error) {
	answer, _, err := p.Change(ctx, n, nil)
	return answer, err
}

// Change makes the request once, for the message of a thread. Where the receiver pages once
// for a message, what is louder than that is opened anew, under another alias, and what was
// there is closed. Tried again, it makes the requests that were not taken.
func (p *Post) Change(ctx context.Context, n Notice, m Memory) (string, Memory, error) {
	ctx, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	if !p.notifier.Anew {
		if n.Acts() == Open {
			m = nil
		}
		return p.change(ctx, n, m)
	}
	was, of := anew.Read(m), n.louder()
	next, loud := was.After(of)
	var answer string
	if !of.Close && was.Took != n.ID {
		now := n
		now.Thread = next.As
		if loud {
			now.Action = string(Open)
		}
		var err error
		if answer, _, err = p.change(ctx, now, nil); err != nil {
			if !loud || IsFinal(err) {
				return answer, nil, err
			}
			doubt := was.Doubt(of)
			return answer, doubt.Memory(), err
		}
	}
	said, err := p.end(ctx, n, &next)
	if err != nil && !of.Close {
		err = fmt.Errorf("it took the notice, and not that it is in the place of the one before: %w", err)
	}
	return cmp.Or(answer, said), next.Memory(), err
}

// end closes the messages of a thread that are to be closed, each whatever becomes of the others.
func (p *Post) end(ctx context.Context, n Notice, of *anew.Message) (answer string, err error) {
	n.Action = string(Close)
	for _, n.Thread = range slices.Clone(of.Ends) {
		said, _, failed := p.change(ctx, n, of.Memory())
		if failed == nil {
			of.Ended(n.Thread)
		} else if err == nil || IsFinal(err) {
			err = failed
		}
		answer = cmp.Or(answer, said)
	}
	return answer, err
}

func (n *Notice) louder() anew.Notice {
	return anew.Notice{
		ID: n.ID, Thread: n.Of(), Severity: n.Severity, Escalated: n.Topic == escalatedTopic,
		Open: n.Acts() == Open, Close: n.Acts() == Close, Taken: n.stage() == "taken",
	}
}

func (p *Post) change(ctx context.Context, n Notice, m Memory) (string, Memory, error) {
	r, err := p.notifier.render(p.settings, n, m, p.now())
	if err != nil {
		return "", nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL, strings.NewReader(r.Body))
	if err != nil {
		return "", nil, Final(errors.New("the address does not parse"))
	}
	request.Header.Set("User-Agent", "rootkeep")
	for name, value := range r.Headers {
		request.Header.Set(name, value)
	}
	response, err := p.client.Do(request)
	if err != nil {
		// The error of net/http repeats the address, which may hold a token.
		if inner := (*url.Error)(nil); errors.As(err, &inner) {
			err = inner.Err
		}
		if errors.Is(err, context.DeadlineExceeded) {
			err = errors.New("no answer in time")
		}
		return "", nil, tellable(err, p.hide)
	}
	defer response.Body.Close()
	body, cut := io.ReadAll(io.LimitReader(response.Body, mostBody))
	said := fmt.Sprintf("HTTP %d", response.StatusCode)
	if rest := shown(string(body), p.hide); rest != "" {
		said += ": " + rest
	}
	a := p.notifier.judge(p.notifier.request(n.Acts(), m), &p.also, response.StatusCode, body)
	if cut != nil && !(p.notifier.Success.byStatus() && p.also.byStatus()) {
		a = judgement{again, a.why, nil} // what it lacks may be in the rest
	}
	switch {
	case a.outcome == taken:
		learned := maps.Collect(maps.All(m))
		maps.Copy(learned, a.learned)
		return said, learned, nil
	case a.outcome == gone && n.Acts() == Close && len(m) > 0:
		return said + " (there is no message to close any more)", nil, nil
	case a.outcome == gone && len(m) > 0: // whoever deleted it deleted no more than that
		return p.change(ctx, n, nil)
	case a.outcome == again:
		return said, nil, later(fmt.Errorf("it answered %s%s", said, a.why), p.wait(response.Header.Get("Retry-After")))
	}
	return said, nil, Final(fmt.Errorf("it answered %s%s", said, a.why))
}

// The outcomes of an answer.
const (
	taken   = "taken"
	again   = "again"   // another attempt may go better
	gone    = "gone"    // the receiver has the message of the thread no more
	refused = "refused" // it will not
)

// judgement is what an answer comes to.
type judgement struct {
	outcome string
	why     string // "" where the status says it
	learned Memory
}

// judge judges an answer to a request. also is what else it has to look like.
func (n *Notifier) judge(r *RequestTemplate, also *Success, status int, body []byte) judgement {
	lack, retry := n.Success.lacks(&n.Retry, status, body)
	if lack == "" {
		lack, retry = also.lacks(&n.Retry, status, body)
	}
	if lack == "" {
		var answer any
		_ = json.Unmarshal(body, &answer) // what is no JSON teaches nothing
		return judgement{taken, "", r.learn(answer)}
	}
	out := judgement{outcome: refused}
	switch {
	case retry:
		out.outcome = again
	case answers(n.Gone, body):
		out.outcome = gone
	}
	if lack != "status" {
		out.why = ", which is not what success looks like (" + lack + ")"
	}
	return out
}

// byStatus says whether the status alone tells success.
func (s *Success) byStatus() bool {
	return s.Text == "" && len(s.Answer)+len(s.Has)+len(s.Without) == 0
}

// longestWait bounds what a receiver may have us wait.
const longestWait = time.Hour

// wait is how long the receiver asks to be left alone (RFC 9110, section 10.2.3).
func (p *Post) wait(header string) time.Duration {
	var d time.Duration
	if seconds, err := strconv.ParseInt(header, 10, 32); err == nil {
		d = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(header); err == nil {
		d = at.Sub(p.now())
	}
	return min(max(d, 0), longestWait)
}
