package detect

import (
	"bytes"
	"strings"

	"github.com/rootkeep/rootkeep"
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
	arn := string(cut(v.Text(fARN)))
	a := rootkeep.Actor{
		Type:        string(cut(v.Text(fType))),
		Account:     rootkeep.AccountID(cut(v.Text(fAccount))),
		ARN:         arn,
		AccessKeyID: string(cut(v.Text(fAccessKey))),
		Principal:   principal,
	}
	if a.Type == "AssumedRole" {
		a.Session = arn[strings.LastIndexByte(arn, '/')+1:]
	}
	return a
}

// principal is the stable name of the caller: baselines and groups are keyed on
// it, so it never holds a session name, which changes with every session.
func principal(v *rootkeep.View) string {
	arn := string(v.Text(fARN))
	account := string(v.Text(fAccount))
	switch string(v.Text(fType)) {
	case "Root":
		if _, assumed := isRoot(v); assumed {
			return "AssumeRoot session in " + or(account, "unknown account")
		}
		return "root of " + or(account, "unknown account")
	case "AssumedRole", "FederatedUser":
		if issuer := string(v.Text(fIssuerARN)); issuer != "" {
			return issuer
		}
		if i := strings.LastIndexByte(arn, '/'); i > 0 && strings.Contains(arn, ":assumed-role/") {
			return arn[:i]
		}
	case "AWSService":
		if by := string(v.Text(fInvokedBy)); by != "" {
			return by
		}
	}
	if arn != "" {
		return arn
	}
	if name := string(v.Text(fUserName)); name != "" {
		return name + or(" in "+account, "")
	}
	id, _, _ := strings.Cut(string(v.Text(fPrincipalID)), ":")
	return or(id, or(string(v.Text(fInvokedBy)), or(account, "unknown")))
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
