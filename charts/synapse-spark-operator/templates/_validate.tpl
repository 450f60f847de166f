{{- /* Combinations of values that values.schema.json cannot reject with a clear message. */}}
{{- define "synapse-spark-operator.validate" -}}
{{- with .Values }}
{{- if and (gt (int .replicaCount) 1) (not .leaderElection.enabled) }}
{{- fail (printf "replicaCount is %d and leaderElection.enabled is false: %d pods would write to Azure at once. Set replicaCount to 1, or leaderElection.enabled to true" (int .replicaCount) (int .replicaCount)) }}
{{- end }}
{{- if and (not .leaderElection.enabled) .strategy (ne (.strategy.type | default "RollingUpdate") "Recreate") }}
{{- fail "leaderElection.enabled is false and strategy is not of the type Recreate: at each update the old pod and the new one would write to Azure at once. Set strategy.type to Recreate, or leave strategy empty" }}
{{- end }}
{{- $names := list }}
{{- $subscriptions := list }}
{{- range .shards }}
{{- if has .name $names }}
{{- fail (printf "shards: the name %s is used twice. Give each shard its own name" .name) }}
{{- end }}
{{- $names = append $names .name }}
{{- range .subscriptions }}
{{- if has . $subscriptions }}
{{- fail (printf "shards: subscription %s is in two shards. Remove it from one of them" .) }}
{{- end }}
{{- $subscriptions = append $subscriptions . }}
{{- end }}
{{- end }}
{{- if and .shards .watchNamespaces }}
{{- fail "shards and watchNamespaces are both set: shards are for all namespaces. Choose one" }}
{{- end }}
{{- if and .shards (not .leaderElection.enabled) }}
{{- fail "shards is set and leaderElection.enabled is false: nothing would keep two shards from the same subscription. Set leaderElection.enabled to true" }}
{{- end }}
{{- if and .tenancy.namespaces (not .tenancy.enabled) }}
{{- fail "tenancy.namespaces is set and tenancy.enabled is false: no namespace would be limited. Set tenancy.enabled to true" }}
{{- end }}
{{- if and (not .serviceAccount.create) (not .serviceAccount.name) }}
{{- fail "serviceAccount.create is false: set serviceAccount.name to an existing ServiceAccount" }}
{{- end }}
{{- if eq .azure.credential "client-secret" }}
{{- if not .azure.clientSecret.existingSecret }}
{{- fail "azure.credential is client-secret: set azure.clientSecret.existingSecret to the Secret that holds it" }}
{{- end }}
{{- if or (not .azure.clientId) (not .azure.tenantId) }}
{{- fail "azure.credential is client-secret: set azure.clientId and azure.tenantId" }}
{{- end }}
{{- else if and .azure.clientSecret.existingSecret (ne .azure.credential "auto") }}
{{- fail (printf "azure.clientSecret.existingSecret is set, and azure.credential is %s: set azure.credential to client-secret, or remove the Secret" .azure.credential) }}
{{- end }}
{{- if .azure.projectToken }}
{{- if not (has .azure.credential (list "auto" "workload-identity")) }}
{{- fail (printf "azure.projectToken is true and azure.credential is %s. Set azure.credential to workload-identity, or azure.projectToken to false" .azure.credential) }}
{{- end }}
{{- if or (not .azure.clientId) (not .azure.tenantId) }}
{{- fail "azure.projectToken is true, and azure.clientId or azure.tenantId is empty. Set both, or azure.projectToken to false" }}
{{- end }}
{{- end }}
{{- if and .azure.ca.configMap .azure.ca.secret }}
{{- fail "azure.ca.configMap and azure.ca.secret are both set: choose one" }}
{{- end }}
{{- if not (or (kindIs "invalid" .podDisruptionBudget.minAvailable) (kindIs "invalid" .podDisruptionBudget.maxUnavailable)) }}
{{- fail "podDisruptionBudget.minAvailable and podDisruptionBudget.maxUnavailable are both set: choose one" }}
{{- end }}
{{- if and .prometheus.servicemonitor.enabled .prometheus.podmonitor.enabled }}
{{- fail "prometheus.servicemonitor.enabled and prometheus.podmonitor.enabled are both true: each pod would be scraped twice. Choose one" }}
{{- end }}
{{- if and .prometheus.servicemonitor.enabled (not .service.enabled) }}
{{- fail "prometheus.servicemonitor.enabled needs service.enabled; or use prometheus.podmonitor" }}
{{- end }}
{{- end }}
{{- include "synapse-spark-operator.validateAlerts" . }}
{{- end }}
