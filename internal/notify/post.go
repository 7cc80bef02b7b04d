package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
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

// Target is the host that notices go to: of the address, the rest may be a secret.
func (p *Post) Target() string {
	r, err := p.notifier.render(p.settings, Notice{}, time.Unix(0, 0))
	if err != nil {
		return p.notifier.ID
	}
	u, err := url.Parse(r.URL)
	if err != nil {
		return p.notifier.ID
	}
	return u.Scheme + "://" + u.Host
}

// Send makes the request once.
func (p *Post) Send(ctx context.Context, n Notice) (string, error) {
	r, err := p.notifier.render(p.settings, n, p.now())
	if err != nil {
		return "", err
	}
	ctx, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL, strings.NewReader(r.Body))
	if err != nil {
		return "", Final(errors.New("the address does not parse"))
	}
	request.Header.Set("User-Agent", "rootkeep")
	for name, value := range r.Headers {
		request.Header.Set(name, value)
	}
	answer, err := p.client.Do(request)
	if err != nil {
		// The error of net/http repeats the address, which may hold a token.
		if inner := (*url.Error)(nil); errors.As(err, &inner) {
			err = inner.Err
		}
		return "", tellable(err, p.hide)
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(answer.Body, mostBody)) // the status says what became of it
	said := fmt.Sprintf("HTTP %d", answer.StatusCode)
	if rest := shown(string(body), p.hide); rest != "" {
		said += ": " + rest
	}
	switch {
	case answer.StatusCode/100 == 2:
		return said, nil
	case slices.Contains(p.notifier.Retry.On, answer.StatusCode):
		return said, fmt.Errorf("it answered %s", said)
	}
	return said, Final(fmt.Errorf("it answered %s", said))
}
