# What documents.gate says. An admin may do all, so who is no viewer is an author or an editor.
package documents

import rego.v1

default allow := false

allow if {
	granted
	not forbidden
}

granted if input.role == "admin"

granted if {
	input.action == "read"
	input.status == "published"
	input.classification == "public"
}

granted if {
	input.action == "create"
	input.role != "viewer"
}

granted if {
	input.action in {"read", "update"}
	input.owner == input.user
	input.role != "viewer"
}

granted if {
	input.action == "delete"
	input.owner == input.user
	input.status == "draft"
	input.role != "viewer"
}

granted if {
	input.role == "editor"
	input.action in {"read", "update"}
	input.document_department == input.department
}

granted if {
	input.role == "editor"
	input.action == "publish"
	input.document_department == input.department
	input.mfa
}

forbidden if input.risk >= 90

forbidden if {
	input.classification == "secret"
	not input.mfa
	input.action in {"update", "publish", "delete"}
}

forbidden if {
	input.status == "archived"
	input.action != "read"
}

forbidden if {
	input.action == "delete"
	input.hour < 6
}

forbidden if {
	input.action == "delete"
	input.hour >= 22
}
