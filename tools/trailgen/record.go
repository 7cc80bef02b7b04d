package main

import (
	"strconv"
	"time"
)

// outcome is how a call ends.
type outcome struct{ code, message string }

// appendRecord writes one record with its fields in the order that CloudTrail
// delivers them.
func appendRecord(dst []byte, s *scene, c *call, end outcome) []byte {
	dst = append(dst, `{"eventVersion":"`...)
	dst = append(dst, []string{"1.11", "1.11", "1.10", "1.09", "1.08"}[hashText(c.Source)%5]...)
	dst = append(dst, `","userIdentity":`...)
	dst = append(dst, s.caller.identity...)
	dst = append(dst, `,"eventTime":"`...)
	dst = s.at.AppendFormat(dst, time.RFC3339)
	dst = appendField(dst, `","eventSource":"`, c.Source)
	dst = append(dst, `.amazonaws.com`...)
	dst = appendField(dst, `","eventName":"`, c.Name)
	dst = appendField(dst, `","awsRegion":"`, s.place.region.name)
	dst = appendField(dst, `","sourceIPAddress":"`, s.caller.address)
	dst = appendField(dst, `","userAgent":"`, s.caller.agent)
	dst = append(dst, '"')
	if end.code != "" {
		dst = append(appendField(dst, `,"errorCode":"`, end.code), '"')
	}
	if end.message != "" {
		dst = append(appendField(dst, `,"errorMessage":"`, end.message), '"')
	}
	dst = appendBody(dst, `,"requestParameters":`, s, c.request, false)
	dst = appendBody(dst, `,"responseElements":`, s, c.response, end.code != "")
	if len(c.extra.literals) > 1 || c.extra.literals[0] != "" {
		dst = appendBody(dst, `,"additionalEventData":`, s, c.extra, false)
	}
	dst = appendTail(dst, s, c)
	return append(dst, '}')
}

// appendTail writes what follows the body.
func appendTail(dst []byte, s *scene, c *call) []byte {
	if c.Type == "" {
		dst = append(dst, `,"requestID":"`...)
		dst = append(s.dice.appendUUID(dst), '"')
	}
	dst = append(dst, `,"eventID":"`...)
	dst = s.dice.appendUUID(dst)
	dst = append(dst, `","readOnly":`...)
	dst = strconv.AppendBool(dst, c.Read)
	if len(c.resource.literals) > 1 {
		dst = appendBody(dst, `,"resources":`, s, c.resource, false)
	}
	kind := c.Type
	if kind == "" {
		kind = "AwsApiCall"
	}
	dst = appendField(dst, `,"eventType":"`, kind)
	dst = appendField(dst, `","managementEvent":true,"recipientAccountId":"`, s.place.account.id)
	dst = append(dst, '"')
	if s.caller.endpoint != "" {
		dst = appendField(dst, `,"vpcEndpointId":"`, s.caller.endpoint)
		dst = appendField(dst, `","vpcEndpointAccountId":"`, s.place.account.id)
		dst = append(dst, '"')
	}
	dst = append(dst, `,"eventCategory":"Management"`...)
	if !s.caller.aws && c.Type == "" {
		dst = appendTLS(dst, s, c)
	}
	if s.caller.console && c.Type == "" {
		dst = append(dst, `,"sessionCredentialFromConsole":"true"`...)
	}
	return dst
}

func appendTLS(dst []byte, s *scene, c *call) []byte {
	if hashText(c.Source)%7 == 0 {
		dst = append(dst, `,"tlsDetails":{"tlsVersion":"TLSv1.2","cipherSuite":"ECDHE-RSA-AES128-GCM-SHA256","clientProvidedHostHeader":"`...)
	} else {
		dst = append(dst, `,"tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"`...)
	}
	dst = append(dst, c.Source...)
	if !c.Once {
		dst = append(dst, '.')
		dst = append(dst, s.place.region.name...)
	}
	return append(dst, `.amazonaws.com"}`...)
}

func appendField(dst []byte, name, text string) []byte {
	dst = append(dst, name...)
	return append(dst, text...)
}

// appendBody writes a template, null when it is empty or the call failed.
func appendBody(dst []byte, name string, s *scene, t template, failed bool) []byte {
	dst = append(dst, name...)
	if failed || len(t.literals) == 1 && t.literals[0] == "" {
		return append(dst, "null"...)
	}
	return t.fill(s, dst)
}

// outcomeOf decides how a call ends: refused, failed, or well.
func outcomeOf(s *scene, c *call) outcome {
	switch {
	case c.Error != "" || c.Message != "":
		return outcome{c.Error, c.Message}
	case c.failRate > 0 && s.dice.IntN(1000) < c.failRate:
		return outcome{c.failCode, c.failMessage}
	case s.caller.aws || c.Type != "" || s.caller.arn == "":
		return outcome{}
	}
	// Rights are missing for few calls of few roles, and there again and again:
	// a fleet in order does not see one role refused all over the place.
	const prone, refused = 20, 60 // one pair in 20, 60 percent of its calls
	if hash(hashText(s.caller.role), c.number)%prone != 0 || !s.dice.percent(refused) {
		return outcome{}
	}
	action := c.Source + ":" + c.Name
	if c.Source == "ec2" {
		blob := s.dice.appendDigits(nil, base64Digits, 520+s.dice.IntN(240))
		return outcome{"Client.UnauthorizedOperation", "You are not authorized to perform this operation. User: " + s.caller.arn +
			" is not authorized to perform: " + action + " because no identity-based policy allows the " + action +
			" action. Encoded authorization failure message: " + string(blob)}
	}
	return outcome{"AccessDenied", "User: " + s.caller.arn + " is not authorized to perform: " + action + " on resource: arn:aws:" + c.Source + ":" +
		s.place.region.name + ":" + s.place.account.id + ":* because no identity-based policy allows the " + action + " action"}
}
