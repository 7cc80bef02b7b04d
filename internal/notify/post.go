package notify

import (
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
	"strconv"
	"strings"
	"syscall"
	"time"
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
	client   *http.Client
	hide     *strings.Replacer // what of the settings is not told
	now      func() time.Time
}

// NewPost makes the way. roots are whose certificates are trusted, nil for the system's.
func NewPost(name string, n *Notifier, settings map[string]Secret, roots *x509.CertPool, now func() time.Time) (*Post, error) {
	if n == nil || now == nil {
		return nil, errors.New("notify: notifier and clock are required")
	}
	settings = maps.Clone(settings)
	if settings == nil {
		settings = map[string]Secret{}
	}
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
	return &Post{name, n, settings, &http.Client{
		Timeout: timeout,
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: d.DialContext, TLSHandshakeTimeout: timeout, ResponseHeaderTimeout: timeout,
			MaxResponseHeaderBytes: mostBody, DisableCompression: true, MaxIdleConns: 4, IdleConnTimeout: time.Minute,
			TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
		},
		// A redirect would take the notice to where nobody configured it to go.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, hider(secrets...), now}, nil
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

// Name is that of the configuration.
func (p *Post) Name() string { return p.name }

// Attempts is how often a notice is tried.
func (p *Post) Attempts() int { return p.notifier.Retry.Attempts }

// Kind is the notifier's ID.
func (p *Post) Kind() string { return p.notifier.ID }

// Joins says whether the receiver keeps one message for a thread.
func (p *Post) Joins() bool { return p.notifier.Joins }

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

// Change makes the request once, for the message of a thread.
func (p *Post) Change(ctx context.Context, n Notice, m Memory) (string, Memory, error) {
	r, err := p.notifier.render(p.settings, n, m, p.now())
	if err != nil {
		return "", nil, err
	}
	ctx, stop := context.WithTimeout(ctx, timeout)
	defer stop()
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
		return "", nil, tellable(err, p.hide)
	}
	defer response.Body.Close()
	body, cut := io.ReadAll(io.LimitReader(response.Body, mostBody))
	said := fmt.Sprintf("HTTP %d", response.StatusCode)
	if rest := shown(string(body), p.hide); rest != "" {
		said += ": " + rest
	}
	a := p.notifier.judge(p.notifier.request(n.Acts(), m), response.StatusCode, body)
	switch {
	case a.outcome == taken:
		learned := maps.Clone(m)
		if learned == nil {
			learned = Memory{}
		}
		maps.Copy(learned, a.learned)
		return said, learned, nil
	case a.outcome == again || cut != nil && !p.notifier.Success.byStatus():
		return said, nil, later(fmt.Errorf("it answered %s%s", said, a.why), p.wait(response.Header.Get("Retry-After")))
	}
	return said, nil, Final(fmt.Errorf("it answered %s%s", said, a.why))
}

// The outcomes of an answer.
const (
	taken   = "taken"
	again   = "again"   // another attempt may go better
	refused = "refused" // it will not
)

// judgement is what an answer comes to.
type judgement struct {
	outcome string
	why     string // "" where the status says it
	learned Memory
}

func (n *Notifier) judge(r *RequestTemplate, status int, body []byte) judgement {
	lack, retry := n.lacks(status, body)
	if lack == "" {
		var answer any
		_ = json.Unmarshal(body, &answer) // what is no JSON teaches nothing
		return judgement{taken, "", r.learn(answer)}
	}
	out := judgement{outcome: refused}
	if retry {
		out.outcome = again
	}
	if lack != "status" {
		out.why = ", which is not what success looks like (" + lack + ")"
	}
	return out
}

// byStatus says whether the status alone tells success.
func (s *Success) byStatus() bool { return s.Text == "" && len(s.Answer) == 0 }

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
