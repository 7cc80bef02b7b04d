// Package sigv4test signs requests for tests of what checks signatures.
package sigv4test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"time"
)

// Key is an access key, with the token of a session if it is one.
type Key struct{ ID, Secret, Token string }

// Sign adds the headers of a signature over the host and X-Amz- headers to a request
// without a query.
func (k Key) Sign(r *http.Request, body []byte, region, service string, at time.Time) {
	stamp := at.UTC().Format("20060102T150405Z")
	sum := sha256.Sum256(body)
	payload := hex.EncodeToString(sum[:])
	r.Header.Set("X-Amz-Date", stamp)
	r.Header.Set("X-Amz-Content-Sha256", payload)
	headers := "host:" + r.Host + "\nx-amz-content-sha256:" + payload + "\nx-amz-date:" + stamp + "\n"
	names := "host;x-amz-content-sha256;x-amz-date"
	if k.Token != "" {
		r.Header.Set("X-Amz-Security-Token", k.Token)
		headers, names = headers+"x-amz-security-token:"+k.Token+"\n", names+";x-amz-security-token"
	}
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		headers, names = headers+"x-amz-target:"+target+"\n", names+";x-amz-target"
	}
	canonical := strings.Join([]string{r.Method, r.URL.EscapedPath(), "", headers, names, payload}, "\n")
	hash := sha256.Sum256([]byte(canonical))
	scope := stamp[:8] + "/" + region + "/" + service + "/aws4_request"
	key := []byte("AWS4" + k.Secret)
	for _, part := range []string{stamp[:8], region, service, "aws4_request", "AWS4-HMAC-SHA256\n" + stamp + "\n" + scope + "\n" + hex.EncodeToString(hash[:])} {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(part))
		key = h.Sum(nil)
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+k.ID+"/"+scope+", SignedHeaders="+names+", Signature="+hex.EncodeToString(key))
}
