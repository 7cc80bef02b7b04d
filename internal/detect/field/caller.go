package field

import (
	"bytes"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail/rootevent"
	"github.com/rootkeep/rootkeep/internal/detect/tally"
)

// Caller reads who made the call, beside its principal.
func Caller(v *rootkeep.View) (kind, account, arn, key, session []byte) {
	kind, arn = v.Text(Type), tally.Cut(v.Text(ARN))
	if string(kind) == "AssumedRole" {
		session = arn[bytes.LastIndexByte(arn, '/')+1:]
	}
	return kind, v.Text(Account), arn, v.Text(AccessKey), session
}

// AppendPrincipal appends the stable name of the caller: baselines and groups are
// keyed on it, so it never holds a session name, which changes with every session.
func AppendPrincipal(dst []byte, v *rootkeep.View) []byte {
	arn := v.Text(ARN)
	account := v.Text(Account)
	if rootevent.GivenByRoot(v.Text(Type), v.Text(IssuerARN)) {
		return append(dst, rootkeep.RootPrincipal(orUnknown(account))...)
	}
	switch string(v.Text(Type)) {
	case "Root":
		// A session made by sts:AssumeRoot has type Root as well.
		if bytes.EqualFold(v.Text(AssumedRoot), []byte("true")) {
			return append(append(dst, "AssumeRoot session in "...), orUnknown(account)...)
		}
		return append(dst, rootkeep.RootPrincipal(orUnknown(account))...)
	case "AssumedRole", "FederatedUser":
		if issuer := v.Text(IssuerARN); len(issuer) > 0 {
			return append(dst, issuer...)
		}
		if i := bytes.LastIndexByte(arn, '/'); i > 0 && bytes.Contains(arn, []byte(":assumed-role/")) {
			return append(dst, arn[:i]...)
		}
	case "AWSService":
		if by := v.Text(InvokedBy); len(by) > 0 {
			return append(dst, by...)
		}
	}
	if len(arn) > 0 {
		return append(dst, arn...)
	}
	if name := v.Text(UserName); len(name) > 0 {
		if dst = append(dst, name...); len(account) > 0 {
			dst = append(append(dst, " in "...), account...)
		}
		return dst
	}
	id, _, _ := bytes.Cut(v.Text(PrincipalID), []byte(":"))
	for _, name := range [][]byte{id, v.Text(InvokedBy), account} {
		if len(name) > 0 {
			return append(dst, name...)
		}
	}
	return append(dst, "unknown"...)
}

func orUnknown(account []byte) rootkeep.AccountID {
	if len(account) == 0 {
		return "unknown account"
	}
	return rootkeep.AccountID(account)
}
