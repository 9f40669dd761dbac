tool
extends EditorPlugin
# Puts VoxrigReceiver into the list of nodes.


func _enter_tree() -> void:
	var icon = get_editor_interface().get_base_control().get_icon("AudioStreamPlayer", "EditorIcons")
	add_custom_type("VoxrigReceiver", "Node", preload("voxrig_receiver.gd"), icon)


func _exit_tree() -> void:
	remove_custom_type("VoxrigReceiver")
