package detect

import (
	"bytes"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/detect/tally"
)

// isRoot says whether the record is the root user's own doing. A session made
// by sts:AssumeRoot carries type Root as well; assumed tells it apart when the
// record does.
func isRoot(v *rootkeep.View) (root, assumed bool) {
	if !bytes.Equal(v.Text(fType), []byte("Root")) {
		return false, false
	}
	return true, bytes.EqualFold(v.Text(fAssumedRoot), []byte("true"))
}

// actorOf reads who made the call.
func actorOf(v *rootkeep.View, principal string) rootkeep.Actor {
	arn := string(tally.Cut(v.Text(fARN)))
	a := rootkeep.Actor{
		Type:        string(tally.Cut(v.Text(fType))),
		Account:     rootkeep.AccountID(tally.Cut(v.Text(fAccount))),
		ARN:         arn,
		AccessKeyID: string(tally.Cut(v.Text(fAccessKey))),
		Principal:   principal,
	}
	if a.Type == "AssumedRole" {
		a.Session = arn[strings.LastIndexByte(arn, '/')+1:]
	}
	return a
}

// appendPrincipal appends the stable name of the caller: baselines and groups are
// keyed on it, so it never holds a session name, which changes with every session.
func appendPrincipal(dst []byte, v *rootkeep.View) []byte {
	arn := v.Text(fARN)
	account := v.Text(fAccount)
	switch string(v.Text(fType)) {
	case "Root":
		prefix := "root of "
		if _, assumed := isRoot(v); assumed {
			prefix = "AssumeRoot session in "
		}
		if len(account) == 0 {
			return append(append(dst, prefix...), "unknown account"...)
		}
		return append(append(dst, prefix...), account...)
	case "AssumedRole", "FederatedUser":
		if issuer := v.Text(fIssuerARN); len(issuer) > 0 {
			return append(dst, issuer...)
		}
		if i := bytes.LastIndexByte(arn, '/'); i > 0 && bytes.Contains(arn, []byte(":assumed-role/")) {
			return append(dst, arn[:i]...)
		}
	case "AWSService":
		if by := v.Text(fInvokedBy); len(by) > 0 {
			return append(dst, by...)
		}
	}
	if len(arn) > 0 {
		return append(dst, arn...)
	}
	if name := v.Text(fUserName); len(name) > 0 {
		if dst = append(dst, name...); len(account) > 0 {
			dst = append(append(dst, " in "...), account...)
		}
		return dst
	}
	id, _, _ := bytes.Cut(v.Text(fPrincipalID), []byte(":"))
	for _, name := range [][]byte{id, v.Text(fInvokedBy), account} {
		if len(name) > 0 {
			return append(dst, name...)
		}
	}
	return append(dst, "unknown"...)
}
